import { effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { Batch, BatchList } from '@sluice/contract/batch'
import { ask, messageOf, withQuery } from '../http.ts'
import { listen, missed } from '../live.ts'

export interface Filter {
  readonly search: string
  readonly status: string
  readonly lane: string
  readonly extractor: string
}

export interface BatchListState {
  /** Each batch is a signal, so that an event draws one row again and not the list. */
  readonly batches: ReadonlySignal<readonly Signal<Batch>[]>
  readonly more: ReadonlySignal<boolean>
  readonly loading: ReadonlySignal<boolean>
  readonly error: ReadonlySignal<string | null>
  /** Loads, and follows what changes. Returns how to stop. */
  readonly start: () => () => void
  readonly loadMore: () => Promise<void>
  readonly reload: () => void
}

const pageSize = 50

export function createBatchList(filter: Filter): BatchListState {
  const batches = signal<readonly Signal<Batch>[]>([])
  const byId = new Map<string, Signal<Batch>>()
  const next = signal<string | null>(null)
  const more = signal(false)
  const loading = signal(true)
  const error = signal<string | null>(null)
  let stop = new AbortController()

  return { batches, more, loading, error, start, loadMore, reload: () => void load(null) }

  function start(): () => void {
    const ends = [
      effect(() => {
        void missed.value
        void load(null)
      }),
      listen('batch', update),
      listen('gone', ({ id }) => remove(id)),
    ]
    return () => {
      for (const end of ends) end()
      stop.abort()
    }
  }

  async function loadMore(): Promise<void> {
    if (!loading.peek()) await load(next.peek())
  }

  /** A first page replaces the top of the list; older batches that were loaded before stay. */
  async function load(after: string | null): Promise<void> {
    stop.abort()
    const own = (stop = new AbortController())
    loading.value = true
    try {
      const path = withQuery('/v1/batches', { ...filter, limit: pageSize, after: after ?? undefined })
      const page = await ask<BatchList>('GET', path, { signal: own.signal })
      const fresh = page.data.map(keep)
      const known = new Set(fresh)
      const oldest = page.data.at(-1)
      const rest = batches.peek().filter((one) => !known.has(one))
      if (after !== null) batches.value = [...batches.peek(), ...fresh.filter((one) => !batches.peek().includes(one))]
      else if (rest.length === 0 || !page.has_more || oldest === undefined) batches.value = fresh
      else batches.value = [...fresh, ...rest.filter((one) => one.peek().created_at <= oldest.created_at)]
      if (after !== null || rest.length === 0 || batches.peek().length <= fresh.length) {
        next.value = page.next
        more.value = page.has_more
      }
      error.value = null
    } catch (problem) {
      if (!own.signal.aborted) error.value = messageOf(problem)
    } finally {
      if (!own.signal.aborted) loading.value = false
    }
  }

  function keep(batch: Batch): Signal<Batch> {
    const known = byId.get(batch.id)
    if (known === undefined) {
      const made = signal(batch)
      byId.set(batch.id, made)
      return made
    }
    known.value = batch
    return known
  }

  function update(batch: Batch): void {
    const known = byId.get(batch.id)
    if (known !== undefined) {
      known.value = batch
      if (!fits(batch)) remove(batch.id)
      return
    }
    // Only the server knows what a search finds.
    const newest = batches.peek()[0]?.peek()
    const isNew = newest === undefined ? !loading.peek() : batch.created_at >= newest.created_at
    if (filter.search === '' && isNew && fits(batch)) batches.value = [keep(batch), ...batches.peek()]
  }

  function remove(id: string): void {
    const known = byId.get(id)
    if (known === undefined) return
    byId.delete(id)
    batches.value = batches.peek().filter((one) => one !== known)
  }

  function fits(batch: Batch): boolean {
    return (
      (filter.status === '' || batch.status === filter.status) &&
      (filter.lane === '' || batch.lane === filter.lane) &&
      (filter.extractor === '' || batch.extractor.split('@')[0] === filter.extractor)
    )
  }
}
