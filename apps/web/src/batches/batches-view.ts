import type { LaneList } from '@sluice/contract/lane-view'
import { html } from 'htm/preact'
import { useEffect, useMemo } from 'preact/hooks'
import { choose, SearchField } from '../elements/filters.ts'
import { LoadError } from '../elements/notice.ts'
import { statusWord } from '../elements/status.ts'
import { ask } from '../http.ts'
import type { ExtractorList } from '../interface.ts'
import { useLoaded } from '../loading.ts'
import { place } from '../router.ts'
import { BatchRow } from './batch-row.ts'
import { createBatchList, type Filter } from './batch-list.ts'

const statuses = ['uploading', 'in_progress', 'paused', 'cancelling', 'completed', 'cancelled'] as const

/** All batches, newest first. The filter is in the address, so that a link or a reload shows the same list. */
export function BatchesView() {
  const { query } = place.value
  const filter: Filter = {
    search: query.get('search') ?? '',
    status: query.get('status') ?? '',
    lane: query.get('lane') ?? '',
    extractor: query.get('extractor') ?? '',
  }
  const key = JSON.stringify(filter)
  const list = useMemo(() => createBatchList(filter), [key])
  useEffect(() => {
    document.title = 'Batches · Sluice'
    return list.start()
  }, [list])
  const { batches, more, error, loading } = list
  const filtered = Object.values(filter).some((value) => value !== '')

  return html`<div class="view-head">
      <h1>Batches</h1>
      <${Filters} filter=${filter} />
    </div>
    ${error.value !== null && html`<${LoadError} message=${error.value} retry=${list.reload} />`}
    ${
      batches.value.length > 0 &&
      html`<table class="batches">
        <thead>
          <tr>
            <th scope="col">Batch</th>
            <th scope="col">Status</th>
            <th scope="col">Progress</th>
            <th scope="col" class="number">Items</th>
            <th scope="col" class="number">Rate</th>
            <th scope="col">Time left</th>
            <th scope="col" class="number">Cost</th>
            <th scope="col">Created</th>
          </tr>
        </thead>
        <tbody>
          ${batches.value.map((batch) => html`<${BatchRow} key=${batch.peek().id} batch=${batch} />`)}
        </tbody>
      </table>`
    }
    ${batches.value.length === 0 && !loading.value && error.value === null && html`<${Empty} filtered=${filtered} more=${more.value} />`}
    <p class="list-end" aria-live="polite">
      ${
        loading.value
          ? 'Loading…'
          : more.value && html`<button onClick=${() => void list.loadMore()}>Show older batches</button>`
      }
    </p>`
}

function Empty({ filtered, more }: { filtered: boolean; more: boolean }) {
  if (more) return html`<div class="empty"><p>No batch found so far: there are older ones to look through.</p></div>`
  if (filtered)
    return html`<div class="empty">
      <h2>No batch fits this filter</h2>
      <p><a href="/">Show all batches</a></p>
    </div>`
  return html`<div class="empty">
    <h2>No batches yet</h2>
    <p>Drop a CSV file, paste some texts or choose PDFs, say what to extract, and start.</p>
    <p><a class="button primary" href="/new">New batch</a></p>
  </div>`
}

function Filters({ filter }: { filter: Filter }) {
  const lanes = useLoaded('lanes', (signal) => ask<LaneList>('GET', '/v1/lanes', { signal }))
  const extractors = useLoaded('extractors', (signal) =>
    ask<ExtractorList>('GET', '/v1/extractors?limit=100', { signal }),
  )
  const laneNames = lanes.data.value?.data.map(({ name }) => name) ?? []
  const extractorNames = extractors.data.value?.data.flatMap(({ name }) => (name === null ? [] : [name])) ?? []

  return html`<form class="filters" role="search" onSubmit=${(event: Event) => event.preventDefault()}>
    <${SearchField} label="Search name, id, metadata" value=${filter.search} />
    <select aria-label="Status" value=${filter.status} onChange=${choose('status')}>
      <option value="">Every status</option>
      ${statuses.map((status) => html`<option value=${status}>${statusWord(status)}</option>`)}
    </select>
    <${Choice} label="Lane" all="Every lane" names=${laneNames} value=${filter.lane} onChange=${choose('lane')} />
    <${Choice}
      label="Extractor"
      all="Every extractor"
      names=${extractorNames}
      value=${filter.extractor}
      onChange=${choose('extractor')}
    />
  </form>`
}

function Choice({
  label,
  all,
  names,
  value,
  onChange,
}: {
  label: string
  all: string
  names: readonly string[]
  value: string
  onChange: (event: Event) => void
}) {
  // A name in the address that is not loaded yet, or does not exist any more.
  const shown = value === '' || names.includes(value) ? names : [...names, value]
  return html`<select aria-label=${label} value=${value} onChange=${onChange}>
    <option value="">${all}</option>
    ${shown.map((name) => html`<option value=${name}>${name}</option>`)}
  </select>`
}
