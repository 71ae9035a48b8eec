import { setTimeout as sleep } from 'node:timers/promises'
import { isEnded, type BatchStatus } from '@sluice/contract/batch'
import { invalidRequest, notFound } from '@sluice/contract/error'
import type { Result, ResultsQuery } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import pLimit from 'p-limit'
import type { Results } from '../engine.ts'
import type { ItemSource } from '../items/take-item.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import { readDone, readRange, type StoredEntry, type StoredPage } from '../ledger/result-pages.ts'
import { ofItem, parseStored } from '../ledger/stored-result.ts'
import type { Changes } from '../redis/changes.ts'
import { isOutage } from '../redis/refusal.ts'
import { isBatchId } from './batch-id.ts'
import { createHeldPages } from './held-pages.ts'

/** Pages that all readers read at once: hundreds that begin together would fill the memory and make Redis late for everyone. */
const pagesAtOnce = 8

/** Without a message a followed batch is read this often. */
const pollMs = 1_000
/** At most this often: a batch may record thousands of results in a second, and each sends a message. */
const restMs = 20

/** A reader that follows waits for Redis for so long: that of a failover. */
const outageMs = 10_000
const outagePauseMs = 200

/**
 * The position of a reader, and its cursor: `c12` is after position 12 in order of completion, `i12` after item 12.
 * Items that were cancelled without a result are not in the order of completion: they come last, by index, as `x12`.
 */
interface Position {
  readonly order: 'completion' | 'input' | 'cancelled'
  readonly next: number
}

interface Page {
  readonly status: BatchStatus
  readonly results: Result[]
  readonly position: Position
  /** Characters of the results. */
  readonly length: number
  /** No further result exists now. */
  readonly end: boolean
}

/** Columns of a table for metadata. */
const mostMetadata = 100

export interface ResultsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly changes: Changes
  readonly items: ItemSource
}

export function createResults({ redis, keys, changes, items }: ResultsDependencies): Results {
  const reading = pLimit(pagesAtOnce)
  const heldPages = createHeldPages()
  return {
    async shape(batchId) {
      const meta = isBatchId(batchId) ? await readBatchMeta(redis, keys.batch(batchId), 'extractor', 'request') : null
      if (meta === null || meta.status === 'staging') throw notFound('batch', batchId)
      const { metadata = {} } = (await items.get(batchId, 0)) ?? {}
      return {
        schema: meta.extractor?.schema ?? null,
        isRequest: meta.request !== null,
        metadata: Object.keys(metadata).slice(0, mostMetadata),
      }
    },
    async read(batchId, query, { signal }) {
      const position = parseCursor(query)
      const meta = isBatchId(batchId) ? await readBatchMeta(redis, keys.batch(batchId)) : null
      if (meta === null || meta.status === 'staging') throw notFound('batch', batchId)
      return pages(batchId, query, position, signal)
    },
  }

  async function* pages(
    batchId: string,
    query: ResultsQuery,
    from: Position,
    signal: AbortSignal,
  ): AsyncGenerator<Result[]> {
    using changed = query.follow ? await changes.listen(keys.batch(batchId).changes) : null
    let position = from
    let length = 0
    while (!signal.aborted) {
      const readAt = performance.now()
      const read = await readAndHold(batchId, position, query.follow, length, signal)
      if (read === null) return
      const { page, hold } = read
      using _held = hold
      length = page.length
      position = page.position
      const chosen =
        query.status === undefined ? page.results : page.results.filter((one) => one.status === query.status)
      if (chosen.length > 0) yield chosen
      // What a generator and its reader still name is kept while they wait: 40 readers kept their last results of 5 MB each.
      chosen.length = 0
      page.results.length = 0
      if (!page.end) continue
      // A page and the status are read in one step: once the batch has ended, no result comes after this page.
      if (changed === null || isEnded(page.status)) return
      await changed.wait(pollMs, signal)
      await sleep(Math.max(0, readAt + restMs - performance.now()), undefined, { signal }).catch(() => {})
    }
  }

  /**
   * Holds room for a page as large as the reader's last one, then reads the next. A page that is larger, and finds no room, is dropped and
   * read again when there is room. Without room until `signal` aborts, the page is empty.
   */
  async function readAndHold(
    batchId: string,
    position: Position,
    follow: boolean,
    expected: number,
    signal: AbortSignal,
  ) {
    let hold = heldPages.tryHold(expected) ?? (await heldPages.hold(expected, signal))
    if (hold === null) return null
    try {
      const page = await readPresent(batchId, position, follow, signal)
      if (page.length <= expected) return { page, hold }
      hold[Symbol.dispose]()
      hold = heldPages.tryHold(page.length)
      if (hold !== null) return { page, hold }
      page.results.length = 0
      hold = await heldPages.hold(page.length, signal)
      return hold === null ? null : { page: await readPresent(batchId, position, follow, signal), hold }
    } catch (error) {
      hold?.[Symbol.dispose]()
      throw error
    }
  }

  async function readPresent(batchId: string, position: Position, follow: boolean, signal: AbortSignal): Promise<Page> {
    const page = await readThroughOutage(batchId, position, follow, signal)
    // Deleted meanwhile: incomplete results must not look complete.
    if (page === null) throw notFound('batch', batchId)
    return page
  }

  /** A reader that follows does not lose its stream to a failover: reading a page again does no harm. */
  async function readThroughOutage(batchId: string, position: Position, follow: boolean, signal: AbortSignal) {
    for (const began = performance.now(); ;) {
      try {
        return await reading(readPage, batchId, position, follow)
      } catch (error) {
        if (!follow || signal.aborted || !isOutage(error) || performance.now() - began > outageMs) throw error
        await sleep(outagePauseMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Null when there is no such batch. */
  function readPage(batchId: string, position: Position, follow: boolean): Promise<Page | null> {
    switch (position.order) {
      case 'completion':
        return completionPage(batchId, position)
      case 'input':
        return inputPage(batchId, position, follow)
      case 'cancelled':
        return cancelledPage(batchId, position)
      default:
        return position.order satisfies never
    }
  }

  async function completionPage(batchId: string, position: Position): Promise<Page | null> {
    const page = await readDone(redis, keys.batch(batchId), position.next)
    if (page === null) return null
    const { status, seen, entries } = page
    if (seen === 0) {
      if (status !== 'cancelled') return { status, results: [], position, length: 0, end: true }
      return { status, results: [], position: { order: 'cancelled', next: 0 }, length: 0, end: false }
    }
    const results = entries.flatMap(({ index, stored }, i): Result[] =>
      stored === null ? [] : [{ ...parseStored(index, stored).result, cursor: `c${position.next + i}` }],
    )
    return {
      status,
      results,
      position: { ...position, next: position.next + seen },
      length: lengthOf(entries),
      end: false,
    }
  }

  async function inputPage(batchId: string, position: Position, follow: boolean): Promise<Page | null> {
    const page = await readRange(redis, keys.batch(batchId), position.next, follow ? 'stop' : 'skip')
    if (page === null) return null
    const { status, entries } = page
    const results: Result[] = []
    for (const { index, stored } of entries) {
      const cursor = `i${index}`
      if (stored !== null) results.push({ ...parseStored(index, stored).result, cursor })
      else if (status === 'cancelled') results.push(await cancelledResult(batchId, index, cursor))
    }
    return pageOf(page, results, position)
  }

  async function cancelledPage(batchId: string, position: Position): Promise<Page | null> {
    const page = await readRange(redis, keys.batch(batchId), position.next, 'only')
    if (page === null) return null
    const results: Result[] = []
    for (const { index, stored } of page.entries) {
      if (stored === null) results.push(await cancelledResult(batchId, index, `x${index}`))
    }
    return pageOf(page, results, position)
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

/** The page of a range of indexes, with the results that it leads to. */
function pageOf({ status, seen, entries }: StoredPage<StoredEntry>, results: Result[], position: Position): Page {
  return {
    status,
    results,
    position: { ...position, next: position.next + seen },
    length: lengthOf(entries),
    end: seen === 0,
  }
}

function lengthOf(entries: readonly StoredEntry[]): number {
  return entries.reduce((sum, { stored }) => sum + (stored?.length ?? 0), 0)
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
