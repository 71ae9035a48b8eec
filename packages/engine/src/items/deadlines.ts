import type { Deadlines } from '@sluice/contract/batch'
import { abortAfter } from './abort-after.ts'
import type { Taken } from '../ledger/ledger.ts'

/** How long an item has, from what its batch says and when it began. */
export interface ItemDeadlines {
  /** Why it is too late already, or null. */
  readonly over: string | null
  /** Until then its first call must have begun; null once it has, or where the batch does not say. */
  readonly begin: AbortSignal | null
  readonly end: AbortSignal | null
  readonly callMs: number | null
  /** What to tell when one of the signals has aborted. */
  readonly message: () => string
}

export function itemDeadlines(
  { call_s: call, item_s: item, wait_s: wait }: Deadlines,
  { tries, firstTakenAt, waitingSince }: Extract<Taken, { type: 'taken' }>,
  now: number,
): ItemDeadlines {
  const hasCalled = tries.calls > 0 || tries.unavailable > 0
  const beginIn = wait === undefined || hasCalled ? null : waitingSince + wait * 1_000 - now
  const endIn = item === undefined ? null : (firstTakenAt ?? now) + item * 1_000 - now
  const waited = `It waited longer for its first call than the batch's wait_s of ${wait} s.`
  const took = `It took longer than the batch's item_s of ${item} s.`
  const over = endIn !== null && endIn <= 0 ? took : beginIn !== null && beginIn <= 0 ? waited : null
  const after = (ms: number | null) => (ms === null || over !== null ? null : abortAfter(ms))
  const begin = after(beginIn)
  return {
    over,
    begin,
    end: after(endIn),
    callMs: call === undefined ? null : call * 1_000,
    message: () => (begin?.aborted ? waited : took),
  }
}
