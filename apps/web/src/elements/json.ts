import { html } from 'htm/preact'
import { count } from '../format.ts'

/** Deeper values and longer lists are shown as text. */
const mostDepth = 6
const mostEntries = 100

/** Longer JSON is shown as text, cut after this many characters: its elements would hold up the page for seconds. */
const longestJson = 200_000

/** A value as people read it: names and values, one a line. Nothing of it is interpreted. */
export function Json({ value }: { value: unknown }) {
  return html`<${Value} value=${value} label="Value" text=${JSON.stringify(value, null, 2)} />`
}

/** The same for JSON text, which is also shown as it is: parsed and written again, a long number would change. */
export function JsonText({ text, label }: { text: string; label: string }) {
  if (text.length > longestJson)
    return html`<pre class="text" tabindex="0" dir="auto" aria-label=${label}>${text.slice(0, longestJson)}</pre>
      <p class="quiet-text">
        These are the first ${count(longestJson)} of ${count(text.length)} characters. The results have all of them.
      </p>`
  const parsed = parsedOf(text)
  return parsed === undefined
    ? html`<pre class="text" tabindex="0" dir="auto" aria-label=${label}>${text}</pre>`
    : html`<${Value} value=${parsed} label=${label} text=${text} />`
}

function Value({ value, label, text }: { value: unknown; label: string; text: string | undefined }) {
  return html`<div class="json" tabindex="0" role="group" aria-label=${label}>${show(value, 0)}</div>
    <details class="raw-json">
      <summary>As JSON</summary>
      <pre dir="auto">${text}</pre>
    </details>`
}

function parsedOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function show(value: unknown, depth: number): unknown {
  if (value === null) return html`<span class="quiet-text">null</span>`
  if (typeof value === 'string')
    return value === '' ? html`<span class="quiet-text">empty text</span>` : html`<bdi class="json-text">${value}</bdi>`
  if (typeof value !== 'object') return html`<span class="json-number">${JSON.stringify(value)}</span>`
  const entries = Object.entries(value)
  if (entries.length === 0)
    return html`<span class="quiet-text">${Array.isArray(value) ? 'empty list' : 'empty object'}</span>`
  if (depth >= mostDepth) return html`<code><bdi>${JSON.stringify(value)}</bdi></code>`
  const rows = entries.slice(0, mostEntries).map(
    ([name, inner]) =>
      html`<div class="json-entry" data-nested=${typeof inner === 'object' && inner !== null}>
        <dt><bdi>${Array.isArray(value) ? Number(name) + 1 : name}</bdi></dt>
        <dd>${show(inner, depth + 1)}</dd>
      </div>`,
  )
  return html`<dl>${rows}</dl>
    ${entries.length > mostEntries && html`<p class="quiet-text">and ${entries.length - mostEntries} more</p>`}`
}
