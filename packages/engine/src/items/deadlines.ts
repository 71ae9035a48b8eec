import type { Deadlines } from '@sluice/contract/batch'
import type { Taken } from '../ledger/ledger.ts'

/** How long an item has, by its batch's deadlines and from when it was first taken. */
export interface ItemDeadlines {
  /** Aborts when its first call has not begun in time; null once it has begun, or without such a deadline. */
  readonly begin: AbortSignal | null
  /** Aborts when the item takes too long in all. */
  readonly end: AbortSignal | null
  /** Of one call. */
  readonly callMs: number | null
  /** Which deadline has passed already when the item is taken; null: none. */
  readonly passed: string | null
  /** The message for an item whose `begin` has aborted. */
  readonly waitedTooLong: string
  /** The message for an item whose `end` has aborted. */
  readonly tookTooLong: string
}

export function itemDeadlines(
  { call_s: call, item_s: item, wait_s: wait }: Deadlines,
  { tries, firstTakenAt, waitingSince }: Extract<Taken, { type: 'taken' }>,
  now: number,
): ItemDeadlines {
  const hasCalled = tries.calls > 0 || tries.unavailable > 0
  const beginIn = wait === undefined || hasCalled ? null : waitingSince + wait * 1_000 - now
  const endIn = item === undefined ? null : (firstTakenAt ?? now) + item * 1_000 - now
  const waitedTooLong = `It waited longer for its first call than the batch's wait_s of ${wait} s.`
  const tookTooLong = `It took longer than the batch's item_s of ${item} s.`
  const passed = endIn !== null && endIn <= 0 ? tookTooLong : beginIn !== null && beginIn <= 0 ? waitedTooLong : null
  const after = (ms: number | null) => (ms === null || passed !== null ? null : abortAfter(ms))
  return {
    begin: after(beginIn),
    end: after(endIn),
    callMs: call === undefined ? null : call * 1_000,
    passed,
    waitedTooLong,
    tookTooLong,
  }
}

/** The longest timer that Node accepts: 24.8 days. A longer one would fire at once. */
const longestMs = 2 ** 31 - 1

/** A signal that aborts after `ms`. Seconds times 1,000 are rarely whole, and `AbortSignal.timeout` accepts only whole numbers. */
export function abortAfter(ms: number): AbortSignal {
  return AbortSignal.timeout(Math.min(longestMs, Math.max(0, Math.ceil(ms))))
}
