import { signal } from '@preact/signals'
import { html } from 'htm/preact'
import { messageOf } from '../http.ts'

interface Notice {
  readonly kind: 'done' | 'error'
  readonly text: string
}

const notice = signal<Notice | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined
/** An error stays until it is closed. */
const doneMs = 5_000

export function sayDone(text: string): void {
  clearTimeout(timer)
  notice.value = { kind: 'done', text }
  timer = setTimeout(() => (notice.value = null), doneMs)
}

export function sayError(error: unknown): void {
  clearTimeout(timer)
  notice.value = { kind: 'error', text: messageOf(error) }
}

/** The one place for what an action led to. */
export function Notices() {
  const now = notice.value
  return html`<div class="notices" role="status" aria-live="polite">
    ${
      now !== null &&
      html`<div class="notice" data-kind=${now.kind}>
        <span>${now.text}</span>
        <button class="quiet" aria-label="Close message" onClick=${() => (notice.value = null)}>✕</button>
      </div>`
    }
  </div>`
}

/** An error in the place of what could not be loaded. */
export function LoadError({ message, retry }: { message: string; retry?: () => void }) {
  return html`<div class="notice" data-kind="error" role="alert">
    <span>${message}</span>
    ${retry !== undefined && html`<button onClick=${retry}>Try again</button>`}
  </div>`
}
