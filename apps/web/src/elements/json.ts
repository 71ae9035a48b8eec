import { html } from 'htm/preact'

/** Deeper values and longer lists are shown as text. */
const mostDepth = 6
const mostEntries = 100

/** A value as people read it: names and values, one a line. Nothing of it is interpreted. */
export function Json({ value }: { value: unknown }) {
  return html`<div class="json" tabindex="0" role="group" aria-label="Value">${show(value, 0)}</div>
    <details class="raw-json">
      <summary>As JSON</summary>
      <pre dir="auto">${JSON.stringify(value, null, 2)}</pre>
    </details>`
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
