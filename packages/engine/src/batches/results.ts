import { isEnded, type BatchStatus } from '@sluice/contract/batch'
import { invalidRequest, notFound } from '@sluice/contract/error'
import type { Result, ResultsQuery } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import type { Results } from '../engine.ts'
import { isBatchId } from './batch-id.ts'
import type { ItemSource } from '../items/take-item.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import { ofItem, parseStored } from '../ledger/stored-result.ts'
import type { Changes } from '../redis/changes.ts'

/** The most results of a page, and about how many bytes: a reader that stops reading keeps one page in memory. */
const pageResults = 250
const pageBytes = 64 * 1024
/** Nothing is known about the size of the first results; each is up to about 130 KB. */
const firstPageResults = 16
const pollMs = 1_000

/**
 * The position of a reader, and its cursor: `c12` is after position 12 in order of completion, `i12` after item 12.
 * Items that were cancelled without a result are not in the order of completion: they come last, by index, as `x12`.
 */
interface Position {
  readonly order: 'completion' | 'input' | 'cancelled'
  readonly next: number
}

/** Where to read, and how many results. */
type Place = Position & { readonly size: number }

interface Page {
  readonly results: Result[]
  /** Of the stored results. */
  readonly bytes: number
  readonly position: Position
  /** No further result exists now. */
  readonly end: boolean
}

interface State {
  readonly status: BatchStatus
  readonly total: number
}

export interface ResultsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly changes: Changes
  readonly items: ItemSource
}

export function createResults({ redis, keys, changes, items }: ResultsDependencies): Results {
  return {
    async read(batchId, query, { signal }) {
      const position = parseCursor(query)
      if (!isBatchId(batchId) || (await readState(batchId)) === null) throw notFound('batch', batchId)
      return pages(batchId, query, position, signal)
    },
  }

  async function* pages(
    batchId: string,
    query: ResultsQuery,
    from: Position,
    signal: AbortSignal,
  ): AsyncGenerator<Result[]> {
    using changed = await changes.listen(keys.batch(batchId).changes)
    let position = from
    let size = firstPageResults
    while (!signal.aborted) {
      // Read before the page: if the batch has ended by now, no result comes after this page.
      const state = await readState(batchId)
      // Deleted meanwhile: incomplete results must not look complete.
      if (state === null) throw notFound('batch', batchId)
      const page = await readPage(batchId, { ...position, size }, state, query.follow)
      position = page.position
      size = nextSize(page)
      const chosen =
        query.status === undefined ? page.results : page.results.filter((one) => one.status === query.status)
      if (chosen.length > 0) yield chosen
      if (!page.end) continue
      if (!query.follow || isEnded(state.status)) return
      await changed.wait(pollMs, signal)
    }
  }

  async function readState(batchId: string): Promise<State | null> {
    const meta = await readBatchMeta(redis, keys.batch(batchId), 'total')
    if (meta === null || meta.status === 'staging') return null
    return { status: meta.status, total: meta.total }
  }

  function readPage(batchId: string, position: Place, state: State, follow: boolean): Promise<Page> {
    switch (position.order) {
      case 'completion':
        return completionPage(batchId, position, state)
      case 'input':
        return inputPage(batchId, position, state, follow)
      case 'cancelled':
        return cancelledPage(batchId, position, state)
      default:
        return position.order satisfies never
    }
  }

  async function completionPage(batchId: string, { size, ...position }: Place, state: State): Promise<Page> {
    const k = keys.batch(batchId)
    const indexes = await redis.lrange(k.done, position.next, position.next + size - 1)
    if (indexes.length === 0) {
      if (state.status !== 'cancelled') return { results: [], bytes: 0, position, end: true }
      return { results: [], bytes: 0, position: { order: 'cancelled', next: 0 }, end: false }
    }
    const stored = await redis.hmget(k.results, ...indexes)
    const bytes = bytesOf(stored)
    const results = indexes.flatMap((index, i): Result[] => {
      const text = stored[i]
      if (!text) return []
      const { position: place, result } = parseStored(Number(index), text)
      // A retried item is in the list again, at a later position.
      return place === position.next + i ? [{ ...result, cursor: `c${place}` }] : []
    })
    return { results, bytes, position: { ...position, next: position.next + indexes.length }, end: false }
  }

  async function inputPage(
    batchId: string,
    { size, ...position }: Place,
    state: State,
    follow: boolean,
  ): Promise<Page> {
    const { indexes, stored } = await storedFrom(batchId, { ...position, size }, state)
    const results: Result[] = []
    for (const [i, index] of indexes.entries()) {
      const text = stored[i]
      const cursor = `i${index}`
      if (text) results.push({ ...parseStored(index, text).result, cursor })
      else if (state.status === 'cancelled') results.push(await cancelledResult(batchId, index, cursor))
      // The next item in order has no result yet.
      else if (follow) return { results, bytes: bytesOf(stored), position: { ...position, next: index }, end: true }
    }
    const next = position.next + indexes.length
    return { results, bytes: bytesOf(stored), position: { ...position, next }, end: indexes.length === 0 }
  }

  async function cancelledPage(batchId: string, { size, ...position }: Place, state: State): Promise<Page> {
    const { indexes, stored } = await storedFrom(batchId, { ...position, size }, state)
    const without = indexes.filter((_, i) => !stored[i])
    const results = await Promise.all(without.map((index) => cancelledResult(batchId, index, `x${index}`)))
    const next = position.next + indexes.length
    return { results, bytes: bytesOf(stored), position: { ...position, next }, end: indexes.length === 0 }
  }

  async function storedFrom(batchId: string, { next, size }: Place, { total }: State) {
    const indexes = Array.from({ length: Math.max(0, Math.min(size, total - next)) }, (_, i) => next + i)
    const stored = indexes.length === 0 ? [] : await redis.hmget(keys.batch(batchId).results, ...indexes.map(String))
    return { indexes, stored }
  }

  async function cancelledResult(batchId: string, index: number, cursor: string): Promise<Result> {
    const item = await items.get(batchId, index)
    return {
      index,
      id: String(index),
      ...(item === null ? {} : ofItem(item, index)),
      status: 'cancelled',
      error: { type: 'cancelled', message: 'The batch was cancelled before this item was done.' },
      attempts: 0,
      cursor,
    }
  }
}

function bytesOf(stored: readonly (string | null)[]): number {
  return stored.reduce((sum, text) => sum + (text?.length ?? 0), 0)
}

/** As many results as fit into a page at the size that those of the last one had, at most four times as many as before. */
function nextSize({ results, bytes }: Page): number {
  if (results.length === 0) return firstPageResults
  const fitting = Math.floor(pageBytes / Math.max(1, bytes / results.length))
  return Math.max(1, Math.min(pageResults, fitting, 4 * Math.max(firstPageResults, results.length)))
}

function parseCursor({ order, after }: ResultsQuery): Position {
  if (after === undefined) return { order, next: 0 }
  const letters = { completion: 'c', input: 'i', cancelled: 'x' } as const
  const match = /^([cix])(\d{1,15})$/.exec(after)
  const next = Number(match?.[2]) + 1
  if (match?.[1] === letters[order]) return { order, next }
  if (match?.[1] === letters.cancelled && order === 'completion') return { order: 'cancelled', next }
  throw invalidRequest(
    'invalid_cursor',
    `after: '${after}' is not a cursor of ${order} order. Send the cursor of a result line that was read with order=${order}.`,
    'after',
  )
}
