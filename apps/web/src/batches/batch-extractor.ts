import { html } from 'htm/preact'
import { LoadError } from '../elements/notice.ts'
import { SchemaTable } from '../extractors/schema-table.ts'
import { ask, batchPath } from '../http.ts'
import type { ExtractorView } from '../interface.ts'
import { useLoaded } from '../loading.ts'
import { useSignal } from '@preact/signals'

/** What a batch extracts. An inline extractor is in no list, so this is the only place to see it; it is loaded when someone opens it. */
export function BatchExtractor({ id }: { id: string }) {
  const open = useSignal(false)
  return html`<section class="card" aria-label="What it extracts">
    <details onToggle=${(event: Event) => (open.value = (event.target as HTMLDetailsElement).open)}>
      <summary>What it extracts</summary>
      ${open.value && html`<${Content} id=${id} />`}
    </details>
  </section>`
}

function Content({ id }: { id: string }) {
  const loaded = useLoaded(`extractor of ${id}`, (signal) =>
    ask<ExtractorView>('GET', batchPath(id, '/extractor'), { signal }),
  )
  const extractor = loaded.data.value
  if (extractor === undefined) {
    return loaded.error.value === null
      ? html`<p class="quiet-text">Loading…</p>`
      : html`<${LoadError} message=${loaded.error.value} retry=${loaded.reload} />`
  }
  const { instructions, schema } = extractor
  return html`${instructions === '' ? html`<p class="quiet-text">No instructions.</p>` : html`<p class="reason-text" dir="auto">${instructions}</p>`}
    <${SchemaTable} schema=${schema} />
    <details class="space">
      <summary>JSON Schema</summary>
      <pre tabindex="0" dir="auto">${JSON.stringify(schema, null, 2)}</pre>
    </details>`
}
