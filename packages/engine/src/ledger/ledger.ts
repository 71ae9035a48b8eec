import type { Attempt } from '@sluice/contract/batch-item'
import type { Redis } from 'ioredis'
import type { BatchKeys, Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'
import { createItemSteps } from './item-steps.ts'
import type { CallEnd, Cost, Run, Tries } from './run.ts'

export type Taken =
  | {
      type: 'taken'
      tries: Tries
      /** Unix ms; when the item was first taken up, where that is kept. */
      firstTakenAt: number | null
      /** Unix ms; since when the batch's items wait. */
      waitingSince: number
      /** Runs that neither ended nor let go of the item: their processes probably died. */
      lostRuns: number
    }
  /** Another item of the batch has the same text and this result. */
  | { type: 'twin'; index: number; stored: string }
  /** Another item of the batch has the same text and is not done: this item is fed again when that one is. */
  | { type: 'parked' }
  | { type: 'stale' | 'cancelled' | 'gone' }
/** `over-cost`: the call might exceed the batch's `max_cost_usd`. */
export type Opened = 'opened' | 'stale' | 'paused' | 'cancelled' | 'over-cost'

/** An estimate of the cost of a call, in nano-dollars; zero when the lane has no prices. */
export interface ExpectedCost {
  readonly inputNanoUsd: number
  readonly outputTokenNanoUsd: number
  /** Null: not limited; then it is estimated from the batch's answers so far. */
  readonly mostOutputTokens: number | null
}

export const noExpectedCost: ExpectedCost = { inputNanoUsd: 0, outputTokenNanoUsd: 0, mostOutputTokens: null }

/** How a result came about, and how it relates to other items with the same text. */
export interface Origin {
  /** The item's calls. */
  readonly attempts?: readonly Attempt[] | undefined
  /** Of the item's text; undefined when the batch does not compare texts. */
  readonly textHash?: string | undefined
  /** Which counter of the batch counts it, when its answer took no call. */
  readonly withoutCall?: 'deduplicated' | 'cached' | undefined
}

export interface Feed {
  readonly status: string
  /** Items of the batch in the window now. */
  readonly open: number
  /** Items not yet in the window. */
  readonly left: number
  /** It has reached its own concurrency, or the most that it may have in the window. */
  readonly isFull: boolean
  /** Its priority. */
  readonly weight: number
  readonly label: string
  readonly items: readonly { index: number; feed: number }[]
}

/**
 * The durable record of a batch. Each method is one atomic step, or one with harmless steps after it that later methods make up for;
 * running it twice does no harm.
 * The states of an item: waiting -> open (fed) -> running (taken) -> done (recorded), and back by `letGo`, `pause` or `retry`.
 * Nothing else changes the state of an item or of a batch that has begun.
 */
export interface Ledger {
  /** Takes the next `places` items into the window. At most `most` of the batch are in it then, and at most its own concurrency. */
  feed(batchId: string, limits: { readonly places: number; readonly most: number }): Promise<Feed>
  /** `keepsTime`: stores when the item was first taken. */
  take(run: Run, options: { keepsTime: boolean; textHash?: string | undefined }): Promise<Taken>
  /** `repeated`: opened, and an earlier call of this item may have been paid. */
  openCall(run: Run, expected: ExpectedCost): Promise<Opened | 'repeated'>
  /** The call ended and the item is not done. */
  closeCall(run: Run, tries: Tries, cost: Cost, end: CallEnd): Promise<'closed' | 'stale'>
  /** Stores the item's one result. `stale`: another run holds or has recorded it; the cost is added all the same, once. */
  record(
    run: Run,
    status: 'succeeded' | 'failed',
    result: object,
    cost: Cost,
    end: CallEnd,
    origin?: Origin,
  ): Promise<'recorded' | 'stale'>
  /** Ends the run without a result: its job runs again (`wait`), the feeder feeds it again (`requeue`), or it never runs again (`cancel`). */
  letGo(run: Run, to: 'wait' | 'requeue' | 'cancel'): Promise<'done' | 'stale'>
  /** This and the next two resolve to the batch's status before, or `gone`. */
  pause(batchId: string, reason: string): Promise<string>
  resume(batchId: string): Promise<string>
  cancel(batchId: string): Promise<string>
  /** Ends a batch that is being cancelled and whose lane has no worker that would end it. Resolves to its status, or `gone`. */
  endCancelled(batchId: string): Promise<string>
  /** How many of the given items went back, or null when the batch is gone or cancelled. At most 1,000 at once. */
  retry(batchId: string, indexes: readonly number[]): Promise<number | null>
}

/** What follows from a step outside the ledger. */
export interface LedgerEvents {
  /** Items of the batch are to be fed again. */
  requeued(batchId: string): Promise<void>
  /** The batch has ended with this step. */
  ended(batchId: string): void
}

export interface LedgerDependencies {
  readonly redis: Redis
  readonly keys: Keys
  /** Of the process that runs items; the sweeper finds what a process that dies has not reported. */
  readonly events?: LedgerEvents
}

/** Items that leave the window in one script: about 1 ms. All 250,000 of a large window would stop Redis for a second. */
const leavingAtOnce = 500

const file = (name: string) => loadScript(new URL(name, import.meta.url))
const scripts = {
  feed: file('feed.lua'),
  letGo: file('let-go.lua'),
  pause: file('pause.lua'),
  resume: file('resume.lua'),
  cancel: file('cancel.lua'),
  leaveWindow: file('leave-window.lua'),
  endCancelled: file('end-cancelled.lua'),
  retry: file('retry.lua'),
}

export function createLedger({ redis, keys, events }: LedgerDependencies): Ledger {
  return {
    ...createItemSteps({ redis, keys, events }),

    async feed(batchId, { places, most }) {
      const [status, open, left, isFull, weight, label, ...pairs] = (await scripts.feed(redis, keys.batch(batchId), {
        places,
        most,
        now: Date.now(),
      })) as [string, number, number, number, string, string, ...string[]]
      return { status, open, left, isFull: isFull === 1, weight: Number(weight), label, items: toPairs(pairs) }
    },

    async letGo(run, to) {
      const k = keys.batch(run.batchId)
      const args = { index: run.index, feed: run.feed, token: run.token, to, now: Date.now(), channel: k.changes }
      const done = (await scripts.letGo(redis, k, args)) as 'done' | 'stale'
      // Also when the batch is paused: it may have been resumed in between.
      if (to === 'requeue') await events?.requeued(run.batchId)
      return done
    },

    async pause(batchId, reason) {
      const k = keys.batch(batchId)
      const before = (await scripts.pause(redis, k, { reason, channel: k.changes })) as string
      if (before === 'in_progress' || before === 'paused') await leaveWindow(k, 'paused')
      return before
    },

    async resume(batchId) {
      const k = keys.batch(batchId)
      return (await scripts.resume(redis, k, { channel: k.changes })) as string
    },

    async cancel(batchId) {
      const k = keys.batch(batchId)
      const before = (await scripts.cancel(redis, k, { now: Date.now(), channel: k.changes })) as string
      if (before === 'in_progress' || before === 'paused' || before === 'cancelling') await leaveWindow(k, 'cancelling')
      return before
    },

    async endCancelled(batchId) {
      const k = keys.batch(batchId)
      for (let cursor = '0'; ;) {
        const args = { cursor, most: leavingAtOnce, now: Date.now(), channel: k.changes }
        const [status, next] = (await scripts.endCancelled(redis, k, args)) as [string, string]
        if (next === '0') return status
        cursor = next
      }
    },

    async retry(batchId, indexes) {
      const k = keys.batch(batchId)
      const count = (await scripts.retry(redis, k, { channel: k.changes, now: Date.now(), indexes })) as number
      return count < 0 ? null : count
    },
  }

  /** Takes the queued items of a batch that was paused or cancelled out of the window, however many there are. */
  async function leaveWindow(k: BatchKeys, status: 'paused' | 'cancelling'): Promise<void> {
    let cursor = '0'
    do {
      const args = { status, cursor, most: leavingAtOnce, now: Date.now() }
      cursor = (await scripts.leaveWindow(redis, k, args)) as string
    } while (cursor !== '0')
  }
}

function toPairs(flat: readonly string[]): { index: number; feed: number }[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => ({
    index: Number(flat[2 * i]),
    feed: Number(flat[2 * i + 1]),
  }))
}
