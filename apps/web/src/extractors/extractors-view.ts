import { useSignal } from '@preact/signals'
import type { Extractor } from '@sluice/contract/extractor'
import { html } from 'htm/preact'
import { useEffect } from 'preact/hooks'
import { nowMs } from '../clock.ts'
import { LoadError, sayDone } from '../elements/notice.ts'
import { count, since, timeOf } from '../format.ts'
import { ask, messageOf, withQuery } from '../http.ts'
import type { ExtractorList } from '../interface.ts'
import { useLoaded } from '../loading.ts'
import { goTo, pathTo } from '../router.ts'
import { createExtractorDraft } from './extractor-draft.ts'
import { SaveExtractor } from './save-extractor.ts'

const pageSize = 100

/** Stored extractors, each with its newest version. */
export function ExtractorsView() {
  const older = useSignal<readonly Extractor[]>([])
  const more = useSignal<boolean | null>(null)
  const writing = useSignal<ReturnType<typeof createExtractorDraft> | null>(null)
  const problem = useSignal<string | null>(null)
  const loaded = useLoaded('extractors', (signal) =>
    ask<ExtractorList>('GET', withQuery('/v1/extractors', { limit: pageSize }), { signal }),
  )
  useEffect(() => {
    document.title = 'Extractors · Sluice'
  }, [])
  const extractors = [...(loaded.data.value?.data ?? []), ...older.value]
  const hasMore = more.value ?? loaded.data.value?.has_more ?? false
  const loadMore = async (): Promise<void> => {
    try {
      const path = withQuery('/v1/extractors', { limit: pageSize, after: extractors.at(-1)?.name ?? undefined })
      const page = await ask<ExtractorList>('GET', path)
      older.value = [...older.value, ...page.data]
      more.value = page.has_more
    } catch (error) {
      problem.value = messageOf(error)
    }
  }
  return html`<div class="view-head">
      <h1>Extractors</h1>
      <div class="actions">
        <button
          onClick=${() => {
            writing.value = writing.value === null ? createExtractorDraft() : null
          }}
        >
          ${writing.value === null ? 'New extractor' : 'Close the new one'}
        </button>
      </div>
    </div>
    ${
      writing.value !== null &&
      html`<section class="card" aria-label="New extractor">
        <h2>New extractor</h2>
        <${SaveExtractor}
          draft=${writing.value}
          saved=${(name: string, version: number) => {
            sayDone(`Stored as version ${version}.`)
            goTo(pathTo('extractor', { name }))
          }}
        />
      </section>`
    }
    ${[loaded.error.value, problem.value].map(
      (message) => message !== null && html`<${LoadError} message=${message} retry=${loaded.reload} />`,
    )}
    ${
      loaded.data.value !== undefined &&
      extractors.length === 0 &&
      html`<div class="empty">
        <h2>No extractors yet</h2>
        <p>An extractor says what to take out of a text: a schema, and instructions in words.</p>
      </div>`
    }
    ${
      extractors.length > 0 &&
      html`<div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">Extractor</th>
              <th scope="col" class="number">Version</th>
              <th scope="col">Lane</th>
              <th scope="col">Fields</th>
              <th scope="col">Changed</th>
            </tr>
          </thead>
          <tbody>
            ${extractors.map((one) => html`<${Row} key=${one.name} extractor=${one} />`)}
          </tbody>
        </table>
      </div>`
    }
    <p class="list-end">${hasMore && html`<button onClick=${() => void loadMore()}>Show more</button>`}</p>`
}

function Row({ extractor }: { extractor: Extractor }) {
  const { name, version, lane, instructions, schema, created_at: at } = extractor
  const properties = schema['properties']
  const fields = typeof properties === 'object' && properties !== null ? Object.keys(properties) : []
  return html`<tr>
    <td class="batch-name">
      <a href=${pathTo('extractor', { name: name ?? '' })}><bdi>${name}</bdi></a>
      <small class="clip"><bdi>${instructions.slice(0, 300)}</bdi></small>
    </td>
    <td class="number">${count(version)}</td>
    <td><bdi>${lane}</bdi></td>
    <td>
      ${fields.slice(0, 8).map((field) => html` <span class="chip"><bdi>${field}</bdi></span>`)}
      ${fields.length > 8 && html` <small>and ${fields.length - 8} more</small>`}
    </td>
    <td><span title=${timeOf(at)}>${since(at, nowMs.value)}</span></td>
  </tr>`
}
