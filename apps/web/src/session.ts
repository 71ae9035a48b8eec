import { signal } from '@preact/signals'
import { html } from 'htm/preact'
import { Dialog } from './elements/dialog.ts'
import { sessionEnded } from './http.ts'

/** With keys a person has a session, and can end it. */
export const secured = document.documentElement.dataset['secured'] === 'true'

const key = signal('')
const problem = signal<string | null>(null)
const busy = signal(false)

async function logIn(goOn: () => void): Promise<void> {
  busy.value = true
  problem.value = null
  try {
    // The answer is a page for browsers without script. A redirect is a success.
    const response = await fetch('/login', {
      method: 'POST',
      body: new URLSearchParams({ key: key.value, next: '/' }),
      redirect: 'manual',
    })
    if (response.type === 'opaqueredirect') {
      key.value = ''
      goOn()
    } else if (response.status === 429)
      problem.value = `Too many wrong keys. Wait ${response.headers.get('retry-after') ?? 'some'} s.`
    else problem.value = 'This API key is not known.'
  } catch {
    problem.value = 'The server cannot be reached.'
  } finally {
    busy.value = false
  }
}

/** Shown over the page when the session has ended: what was typed stays, and what waits goes on after the login. */
export function SessionDialog() {
  const ended = sessionEnded.value
  if (ended === null) return null
  const toLogin = () => location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`)
  return html`<${Dialog} title="Your session has ended" close=${toLogin}>
    <form
      onSubmit=${(event: Event) => {
        event.preventDefault()
        void logIn(ended.goOn)
      }}
    >
      <p>Log in again to go on. Nothing that you typed is lost.</p>
      <label class="field">
        <span>API key</span>
        <input
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value=${key.value}
          onInput=${(event: Event) => (key.value = (event.target as HTMLInputElement).value)}
        />
      </label>
      ${problem.value !== null && html`<p class="error-text" role="alert">${problem.value}</p>`}
      <div class="actions end">
        <button class="primary" disabled=${busy.value}>Log in</button>
      </div>
    </form>
  <//>`
}
