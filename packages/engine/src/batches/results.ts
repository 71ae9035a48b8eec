import { isEnded, type BatchStatus } from '@sluice/contract/batch'
import { invalidRequest, notFound } from '@sluice/contract/error'
import type { Result, ResultsQuery } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import type { Results } from '../engine.ts'
import type { ItemSource } from '../items/take-item.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import { ofItem, parseStored } from '../ledger/stored-result.ts'
import type { Changes } from '../redis/changes.ts'

/** Results per round trip; each at most a few KB. */
const pageSize = 250
const pollMs = 1_000

/**
 * The position of a reader, and its cursor: `c12` is after position 12 in order of completion, `i12` after item 12.
 * Items that were cancelled without a result are not in the order of completion: they come last, by index, as `x12`.
 */
interface Position {
  readonly order: 'completion' | 'input' | 'cancelled'
  readonly next: number
}

interface Page {
  readonly results: Result[]
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
      if ((await readState(batchId)) === null) throw notFound('batch', batchId)
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
    while (!signal.aborted) {
      // Read before the page: if the batch has ended by now, no result comes after this page.
      const state = await readState(batchId)
      // Deleted meanwhile: incomplete results must not look complete.
      if (state === null) throw notFound('batch', batchId)
      const page = await readPage(batchId, position, state, query.follow)
      position = page.position
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

  function readPage(batchId: string, position: Position, state: State, follow: boolean): Promise<Page> {
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

  async function completionPage(batchId: string, position: Position, state: State): Promise<Page> {
    const k = keys.batch(batchId)
    const indexes = await redis.lrange(k.done, position.next, position.next + pageSize - 1)
    if (indexes.length === 0) {
      if (state.status !== 'cancelled') return { results: [], position, end: true }
      return { results: [], position: { order: 'cancelled', next: 0 }, end: false }
    }
    const stored = await redis.hmget(k.results, ...indexes)
    const results = indexes.flatMap((index, i): Result[] => {
      const text = stored[i]
      if (!text) return []
      const { position: place, result } = parseStored(Number(index), text)
      // A retried item is in the list again, at a later position.
      return place === position.next + i ? [{ ...result, cursor: `c${place}` }] : []
    })
    return { results, position: { ...position, next: position.next + indexes.length }, end: false }
  }

  async function inputPage(batchId: string, position: Position, state: State, follow: boolean): Promise<Page> {
    const { indexes, stored } = await storedFrom(batchId, position, state)
    const results: Result[] = []
    for (const [i, index] of indexes.entries()) {
      const text = stored[i]
      const cursor = `i${index}`
      if (text) results.push({ ...parseStored(index, text).result, cursor })
      else if (state.status === 'cancelled') results.push(await cancelledResult(batchId, index, cursor))
      // The next item in order has no result yet.
      else if (follow) return { results, position: { ...position, next: index }, end: true }
    }
    return { results, position: { ...position, next: position.next + indexes.length }, end: indexes.length === 0 }
  }

  async function cancelledPage(batchId: string, position: Position, state: State): Promise<Page> {
    const { indexes, stored } = await storedFrom(batchId, position, state)
    const without = indexes.filter((_, i) => !stored[i])
    const results = await Promise.all(without.map((index) => cancelledResult(batchId, index, `x${index}`)))
    return { results, position: { ...position, next: position.next + indexes.length }, end: indexes.length === 0 }
  }

  async function storedFrom(batchId: string, { next }: Position, { total }: State) {
    const indexes = Array.from({ length: Math.max(0, Math.min(pageSize, total - next)) }, (_, i) => next + i)
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
