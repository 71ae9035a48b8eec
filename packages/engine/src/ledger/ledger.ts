import type { TextRange } from '@sluice/contract/extract-function'
import type { Reask } from '@sluice/contract/outcome'
import type { Usage } from '@sluice/contract/usage'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

/** One taking-up of an item by a worker: what must be said to act on it. */
export interface Run {
  readonly batchId: string
  readonly index: number
  /** Unique for each time the item was put in the window. */
  readonly feed: number
  /** Unique for each run; the last one taken wins. */
  readonly token: string
}

/** What an item has used of its budgets so far. Kept across workers until the item is done. */
export interface Tries {
  readonly calls: number
  /** Calls that ended in a time-out, a cut connection or a 5xx. */
  readonly unavailable: number
  /** Calls that ended in an error of ours. */
  readonly thrown?: number
  readonly usage: Usage
  readonly nanoUsd: number
  readonly reasks: readonly Reask[]
  /** Of a text that is longer than the context: where its parts are, and the answers to the first of them. */
  readonly parts?: { readonly ranges: readonly TextRange[]; readonly answers: readonly unknown[] }
}

export const noTries: Tries = {
  calls: 0,
  unavailable: 0,
  usage: { input_tokens: 0, output_tokens: 0 },
  nanoUsd: 0,
  reasks: [],
}

/** What one call cost. `paidCalls` is 0 or 1: a refused call is not paid. */
export interface Cost {
  readonly paidCalls: number
  readonly usage: Usage
  readonly cachedInputTokens: number
  readonly nanoUsd: number
}

/** `unsettled`: nobody knows how the item's last call ended, so it may have been paid. */
export type CallEnd = 'settled' | 'unsettled'

export const noCost: Cost = { paidCalls: 0, usage: noTries.usage, cachedInputTokens: 0, nanoUsd: 0 }

export type Taken =
  | {
      type: 'taken'
      tries: Tries
      /** Unix ms; when the item was first taken up, where that is kept. */
      firstTakenAt: number | null
      /** Unix ms; since when the batch's items wait. */
      waitingSince: number
    }
  /** Another item of the batch has the same text, and this result. */
  | { type: 'twin'; index: number; stored: string }
  /** Another item of the batch has the same text and is not done: this one comes back when it is. */
  | { type: 'parked' }
  | { type: 'stale' | 'cancelled' | 'gone' }
/** 'over-cost': the call might take the batch beyond its `max_cost_usd`. */
export type Opened = 'opened' | 'stale' | 'paused' | 'cancelled' | 'over-cost'

/** What a call will cost, as far as can be told before it: in nano-dollars, zero where the lane has no prices. */
export interface ExpectedCost {
  readonly inputNanoUsd: number
  readonly outputTokenNanoUsd: number
  /** Null: not limited; then what the batch's answers had so far is taken. */
  readonly mostOutputTokens: number | null
}

export const noExpectedCost: ExpectedCost = { inputNanoUsd: 0, outputTokenNanoUsd: 0, mostOutputTokens: null }

/** How an item stands to others with the same text. */
export interface Sameness {
  /** Of its text; undefined where the batch does not compare texts. */
  readonly textHash?: string | undefined
  /** What counts it, where its answer took no call. */
  readonly withoutCall?: 'deduplicated' | 'cached' | undefined
}

export interface Feed {
  readonly status: string
  /** Items of the batch in the window now. */
  readonly open: number
  /** Items not yet in the window. */
  readonly left: number
  readonly items: readonly { index: number; feed: number }[]
}

/**
 * The durable record of a batch. Each method is one atomic step and may be run twice.
 * The states of an item: waiting -> open (fed) -> running (taken) -> done (recorded), and back by `letGo`, `pause` or `retry`.
 */
export interface Ledger {
  feed(batchId: string, limit: number, most: number): Promise<Feed>
  /** The items of the batch that are in the window. */
  open(batchId: string): Promise<{ index: number; feed: number }[]>
  take(run: Run, options: { keepsTime: boolean; textHash?: string | undefined }): Promise<Taken>
  /** `repeated`: opened, for a call of this item before it may have been paid. */
  openCall(run: Run, expected: ExpectedCost): Promise<Opened | 'repeated'>
  closeCall(run: Run, tries: Tries, cost: Cost, end: CallEnd): Promise<'closed' | 'stale'>
  record(
    run: Run,
    status: 'succeeded' | 'failed',
    result: object,
    cost: Cost,
    end: CallEnd,
    sameness?: Sameness,
  ): Promise<'recorded' | 'stale'>
  letGo(run: Run, to: 'wait' | 'requeue' | 'cancel'): Promise<'done' | 'stale'>
  pause(batchId: string, reason: string): Promise<string>
  resume(batchId: string): Promise<string>
  cancel(batchId: string): Promise<string>
  /** How many of the given items went back, or null when the batch is gone or cancelled. At most 1,000 at once. */
  retry(batchId: string, indexes: readonly number[]): Promise<number | null>
}

const file = (name: string) => loadScript(new URL(name, import.meta.url))
const scripts = {
  feed: file('feed.lua'),
  take: file('take.lua'),
  openCall: file('open-call.lua'),
  closeCall: file('close-call.lua'),
  record: file('record.lua'),
  letGo: file('let-go.lua'),
  pause: file('pause.lua'),
  resume: file('resume.lua'),
  cancel: file('cancel.lua'),
  retry: file('retry.lua'),
}

export function createLedger(redis: Redis, keys: Keys): Ledger {
  const runArgs = (run: Run) => [run.index, run.feed, run.token]
  const costArgs = (cost: Cost) => [
    cost.paidCalls,
    cost.usage.input_tokens,
    cost.cachedInputTokens,
    cost.usage.output_tokens,
    Math.round(cost.nanoUsd),
  ]

  return {
    async feed(batchId, limit, most) {
      const k = keys.batch(batchId)
      const [status, open, left, ...pairs] = (await scripts.feed(
        redis,
        [k.meta, k.open, k.requeue],
        [limit, most, Date.now()],
      )) as [string, number, number, ...string[]]
      return { status, open, left, items: toPairs(pairs) }
    },

    async open(batchId) {
      const open = await redis.hgetall(keys.batch(batchId).open)
      return Object.entries(open).map(([index, feed]) => ({ index: Number(index), feed: Number(feed) }))
    },

    async take(run, { keepsTime, textHash = '' }) {
      const k = keys.batch(run.batchId)
      const [type, ...rest] = (await scripts.take(
        redis,
        [k.meta, k.open, k.runs, k.calls, k.unsettled, k.tries, k.twins, k.parked, k.results],
        [...runArgs(run), Date.now(), keepsTime ? 1 : 0, textHash, k.wake],
      )) as [Taken['type'], ...string[]]
      if (type === 'twin') return { type, index: Number(rest[0]), stored: rest[1] ?? '' }
      if (type !== 'taken') return { type }
      const [tries, firstTakenAt, waitingSince] = rest
      return {
        type,
        tries: tries ? (JSON.parse(tries) as Tries) : noTries,
        firstTakenAt: firstTakenAt ? Number(firstTakenAt) : null,
        waitingSince: Number(waitingSince),
      }
    },

    async openCall(run, { inputNanoUsd, outputTokenNanoUsd, mostOutputTokens }) {
      const k = keys.batch(run.batchId)
      return (await scripts.openCall(
        redis,
        [k.meta, k.open, k.runs, k.calls, k.unsettled],
        [...runArgs(run), Math.ceil(inputNanoUsd), Math.ceil(outputTokenNanoUsd), mostOutputTokens ?? ''],
      )) as Opened | 'repeated'
    },

    async closeCall(run, tries, cost, end) {
      const k = keys.batch(run.batchId)
      return (await scripts.closeCall(
        redis,
        [k.meta, k.open, k.runs, k.calls, k.unsettled, k.tries],
        [...runArgs(run), end, JSON.stringify(tries), ...costArgs(cost)],
      )) as 'closed' | 'stale'
    },

    async record(run, status, result, cost, end, { textHash = '', withoutCall = '' as const } = {}) {
      const k = keys.batch(run.batchId)
      const [answer] = (await scripts.record(
        redis,
        [
          k.meta,
          k.open,
          k.runs,
          k.calls,
          k.unsettled,
          k.tries,
          k.results,
          k.done,
          k.failed,
          k.twins,
          k.parked,
          k.requeue,
        ],
        [
          ...runArgs(run),
          status,
          end,
          JSON.stringify(result),
          ...costArgs(cost),
          Date.now(),
          k.wake,
          textHash,
          withoutCall,
        ],
      )) as ['recorded' | 'stale']
      return answer
    },

    async letGo(run, to) {
      const k = keys.batch(run.batchId)
      return (await scripts.letGo(
        redis,
        [k.meta, k.open, k.runs, k.requeue, k.calls, k.unsettled],
        [...runArgs(run), to, Date.now(), k.wake],
      )) as 'done' | 'stale'
    },

    async pause(batchId, reason) {
      const k = keys.batch(batchId)
      return (await scripts.pause(redis, [k.meta, k.open, k.runs, k.requeue], [reason, k.wake])) as string
    },

    async resume(batchId) {
      const k = keys.batch(batchId)
      return (await scripts.resume(redis, [k.meta], [k.wake])) as string
    },

    async cancel(batchId) {
      const k = keys.batch(batchId)
      return (await scripts.cancel(redis, [k.meta, k.open, k.runs, k.requeue], [Date.now(), k.wake])) as string
    },

    async retry(batchId, indexes) {
      const k = keys.batch(batchId)
      const count = (await scripts.retry(
        redis,
        [k.meta, k.results, k.failed, k.requeue],
        [k.wake, Date.now(), ...indexes],
      )) as number
      return count < 0 ? null : count
    },
  }
}

function toPairs(flat: readonly string[]): { index: number; feed: number }[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => ({
    index: Number(flat[2 * i]),
    feed: Number(flat[2 * i + 1]),
  }))
}
