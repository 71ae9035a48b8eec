import { signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** A modal window of the browser: it keeps the focus inside and returns it, and Escape closes it. */
export function Dialog({
  title,
  close,
  children,
  wide = false,
}: {
  title: string
  close: () => void
  children?: ComponentChildren
  wide?: boolean
}) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => element.current?.showModal(), [])
  return html`<dialog
    ref=${element}
    class=${wide ? 'wide' : ''}
    aria-labelledby="dialog-title"
    onCancel=${(event: Event) => {
      event.preventDefault()
      close()
    }}
  >
    <h2 id="dialog-title">${title}</h2>
    ${children}
  </dialog>`
}

export interface Question {
  readonly title: string
  readonly text: ComponentChildren
  /** The verb on the button. */
  readonly action: string
  readonly danger?: boolean
  readonly act: () => Promise<void> | void
}

const question = signal<Question | null>(null)
const busy = signal(false)

/** Asks before something happens that costs money or cannot be undone. */
export function askFirst(asked: Question): void {
  question.value = asked
}

export function QuestionDialog() {
  const asked = question.value
  if (asked === null) return null
  const close = () => {
    if (!busy.value) question.value = null
  }
  const act = async () => {
    busy.value = true
    try {
      await asked.act()
    } finally {
      busy.value = false
      question.value = null
    }
  }
  return html`<${Dialog} title=${asked.title} close=${close}>
    <div class="dialog-text">${asked.text}</div>
    <div class="actions end">
      <button onClick=${close} autofocus>Cancel</button>
      <button class=${asked.danger === true ? 'danger' : 'primary'} disabled=${busy.value} onClick=${() => void act()}>
        ${asked.action}
      </button>
    </div>
  <//>`
}
