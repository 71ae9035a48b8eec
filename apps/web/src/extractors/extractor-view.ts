import { useSignal } from '@preact/signals'
import type { Extractor, VersionList } from '@sluice/contract/extractor'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { nowMs } from '../clock.ts'
import { LoadError, sayDone } from '../elements/notice.ts'
import { plural, since, timeOf } from '../format.ts'
import { ask, withQuery } from '../http.ts'
import type { ExtractorView as Shown } from '../interface.ts'
import { useLoaded } from '../loading.ts'
import { place, setQuery } from '../router.ts'
import { createExtractorDraft, type ExtractorDraft } from './extractor-draft.ts'
import { SaveExtractor } from './save-extractor.ts'
import { SchemaTable } from './schema-table.ts'
import { TryIt } from './try-it.ts'
import { VersionDiff } from './version-diff.ts'

const path = (reference: string, rest = '') => `/v1/extractors/${encodeURIComponent(reference)}${rest}`

/** One extractor: what it extracts, its versions and how they differ, and a try. */
export function ExtractorView({ name }: { name: string }) {
  const editing = useSignal<ExtractorDraft | null>(null)
  const wanted = place.value.query.get('version') ?? ''
  const reference = wanted === '' ? name : `${name}@${wanted}`
  const versions = useLoaded(`versions ${name}`, (signal) =>
    ask<VersionList>('GET', withQuery(path(name, '/versions'), { limit: 100 }), { signal }),
  )
  const loaded = useLoaded(`extractor ${reference}`, (signal) => ask<Shown>('GET', path(reference), { signal }))
  useEffect(() => {
    document.title = `${name} · Sluice`
  }, [name])
  const extractor = loaded.data.value
  const known: readonly Extractor[] = versions.data.value?.data ?? []
  return html`<p class="crumb"><a href="/extractors">Extractors</a></p>
    <div class="view-head">
      <h1><bdi>${name}</bdi></h1>
      ${
        extractor !== undefined &&
        html`<label class="inline-field"
          >Version
          <select
            value=${String(extractor.version)}
            onChange=${(event: Event) => setQuery({ version: (event.target as HTMLSelectElement).value })}
          >
            ${(known.length === 0 ? [extractor] : known).map(
              ({ version }) => html`<option value=${String(version)}>${version}</option>`,
            )}
          </select></label
        >`
      }
      ${
        extractor !== undefined &&
        html`<div class="actions">
          <a class="button" href=${`/?extractor=${encodeURIComponent(name)}`}>Batches</a>
          <button
            onClick=${() => {
              editing.value = editing.value === null ? createExtractorDraft({ ...extractor, name }) : null
            }}
          >
            ${editing.value === null ? 'New version' : 'Discard the new version'}
          </button>
        </div>`
      }
    </div>
    ${loaded.error.value !== null && html`<${LoadError} message=${loaded.error.value} retry=${loaded.reload} />`}
    ${
      editing.value !== null &&
      html`<section class="card" aria-label="New version">
        <h2>New version</h2>
        <${SaveExtractor}
          draft=${editing.value}
          saved=${(_name: string, version: number) => {
            editing.value = null
            sayDone(`Stored as version ${version}.`)
            versions.reload()
            setQuery({ version: String(version) })
          }}
        />
      </section>`
    }
    ${extractor !== undefined && html`<${Content} extractor=${extractor} reference=${`${name}@${extractor.version}`} />`}
    ${extractor !== undefined && known.length > 1 && html`<${VersionDiff} key=${extractor.version} versions=${known} to=${extractor.version} />`}`
}

function Content({ extractor, reference }: { extractor: Shown; reference: string }) {
  const { instructions, schema, wire, lane, parameters, reasks, created_at: at } = extractor
  return html`<div class="columns">
      <section class="card">
        <h2>What it extracts</h2>
        ${instructions === '' ? html`<p class="quiet-text">No instructions.</p>` : html`<p class="reason-text" dir="auto">${instructions}</p>`}
        <${SchemaTable} schema=${schema} />
        <details class="space">
          <summary>JSON Schema</summary>
          <pre tabindex="0" dir="auto">${JSON.stringify(schema, null, 2)}</pre>
        </details>
      </section>
      <section class="card">
        <h2>Try it</h2>
        <${TryIt} key=${reference} extractor=${reference} />
      </section>
    </div>
    <p class="quiet-text space">
      <span title=${timeOf(at)}>Stored ${since(at, nowMs.value)}</span>
      ${` · lane ${lane} · asked again up to ${plural(reasks, 'time')} · `}
      ${wire.strict ? 'enforced by providers with strict output' : html`sent as a hint: <bdi>${wire.reason}</bdi> at <code>#${wire.pointer}</code>`}
      ${Object.entries(parameters).map(([parameter, value]) => html` · <code>${`${parameter}: ${String(value)}`}</code>`)}
    </p>`
}
