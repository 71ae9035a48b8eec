import { useSignal } from '@preact/signals'
import type { Batch } from '@sluice/contract/batch'
import type { BatchItem } from '@sluice/contract/batch-item'
import type { FailureType } from '@sluice/contract/result'
import { html } from 'htm/preact'
import { useEffect, useMemo } from 'preact/hooks'
import { choose, SearchField } from '../elements/filters.ts'
import { LoadError } from '../elements/notice.ts'
import { Status, statusWord } from '../elements/status.ts'
import { VirtualRows } from '../elements/virtual-rows.ts'
import { count } from '../format.ts'
import { missed } from '../live.ts'
import { goTo, pathTo, place, setQuery } from '../router.ts'
import { createItemSource, type ItemFilter } from './item-source.ts'

const statuses = ['succeeded', 'failed', 'running', 'waiting', 'cancelled'] as const
const errorTypes = [
  'refused',
  'truncated',
  'filtered',
  'invalid_output',
  'rejected',
  'unavailable',
  'timed_out',
  'too_large',
  'unreadable',
  'internal_error',
] as const satisfies readonly FailureType[]
const rowHeight = 36

/** Every item of a batch: the table holds some 40 rows in the page, wherever one scrolls to. */
export function ItemsView({ batch }: { batch: Batch }) {
  const { query } = place.value
  const filter: ItemFilter = {
    status: query.get('status') ?? '',
    error_type: query.get('error_type') ?? '',
    error_group: query.get('error_group') ?? '',
    search: query.get('search') ?? '',
  }
  const key = JSON.stringify(filter)
  const { id, counts } = batch
  const source = useMemo(() => createItemSource(id, filter), [id, key])
  const top = useSignal(Math.max(0, Number(query.get('from') ?? 0) || 0))
  useEffect(() => () => source.stop(), [source])
  const done = counts.succeeded + counts.failed + counts.cancelled
  // What changed is seen when it is looked at again; finished items never change without a retry.
  useEffect(() => source.refresh(), [source, missed.value, Math.floor(done / Math.max(1, counts.total / 200))])

  const filtered = key !== JSON.stringify({ status: '', error_type: '', error_group: '', search: '' })
  const rows = filtered ? source.found.value : counts.total
  return html`<${Filters}
      filter=${filter}
      total=${counts.total}
      jump=${(index: number) => (top.value = index)}
      filtered=${filtered}
    />
    ${source.error.value !== null && html`<${LoadError} message=${source.error.value} retry=${source.refresh} />`}
    <${VirtualRows}
      key=${key}
      label=${`Items of the batch${filtered ? ' that fit the filter' : ''}`}
      columns=${['#', 'Id', 'Status', batch.task === 'request' ? 'Request' : 'Text', 'Error', 'Calls']}
      rowClass="item-row"
      rowHeight=${rowHeight}
      rows=${rows}
      top=${top}
      need=${source.need}
      open=${(at: number) => {
        // Without a filter the place is the index, also of a row that is still being loaded.
        const index = source.row(at)?.index ?? (filtered ? undefined : at)
        if (index !== undefined) goTo(`${pathTo('item', { id, index })}${location.search}`)
      }}
      version=${source.version.value}
      render=${(at: number) => cells(source.row(at), id)}
    />
    <p class="list-end" aria-live="polite">
      ${
        filtered &&
        (source.searching.value
          ? `Looking… ${count(rows)} found so far`
          : source.more.value
            ? html`${count(rows)} found so far. <button onClick=${() => void source.searchOn()}>Look further</button>`
            : rows === 0
              ? 'No item fits this filter.'
              : `${count(rows)} found.`)
      }
    </p>`
}

function cells(row: BatchItem | undefined, id: string) {
  if (row === undefined) return html`<span role="cell" class="quiet-text">…</span>`
  return html`<span role="cell" class="number">${count(row.index)}</span>
    <span role="cell" class="cut"
      ><a href=${`${pathTo('item', { id, index: row.index })}${location.search}`} tabindex="-1"
        ><bdi>${row.id}</bdi></a
      ></span
    >
    <span role="cell"><${Status} status=${row.status} /></span>
    <span role="cell" class="cut"><bdi>${row.text}</bdi></span>
    <span role="cell" class="cut error-text">
      ${row.error !== null && html`<bdi>${row.error.type}: ${row.error.message}</bdi>`}
    </span>
    <span role="cell" class="number">${row.attempts === 0 ? '' : count(row.attempts)}</span>`
}

function Filters({
  filter,
  total,
  jump,
  filtered,
}: {
  filter: ItemFilter
  total: number
  jump: (index: number) => void
  filtered: boolean
}) {
  return html`<form class="filters start" role="search" onSubmit=${(event: Event) => event.preventDefault()}>
    <${SearchField} label="Find by id or text" value=${filter.search} />
    <select aria-label="Status of items" value=${filter.status} onChange=${choose('status')}>
      <option value="">Every status</option>
      ${statuses.map((status) => html`<option value=${status}>${statusWord(status)}</option>`)}
    </select>
    <select aria-label="Error" value=${filter.error_type} onChange=${choose('error_type')}>
      <option value="">Every error</option>
      ${errorTypes.map((type) => html`<option value=${type}>${type}</option>`)}
    </select>
    ${
      filter.error_group !== '' &&
      html`<button type="button" onClick=${() => setQuery({ error_group: '' })}>One group of failures ✕</button>`
    }
    ${
      !filtered &&
      total > 100 &&
      html`<label class="jump"
        >Go to item
        <input
          type="number"
          min="0"
          max=${total - 1}
          onChange=${(event: Event) => jump(Math.min(total - 1, Math.max(0, Number((event.target as HTMLInputElement).value) || 0)))}
      /></label>`
    }
  </form>`
}
