import { ProcessEndedError } from '@sluice/contract/extract-function'
import type { Ledger } from '../ledger/ledger.ts'
import { overCost } from '../ledger/pause-reason.ts'
import { noCost } from '../ledger/run.ts'
import { backoffMs, type RetryPolicy } from './decide.ts'
import type { CallMade } from './make-call.ts'
import { noLastCall, type RecordItem, unsettledCall } from './record-item.ts'
import { type AbortReason, type RunEnd, UnexpectedError } from './run-end.ts'
import { ended, type SettleAnswer, type Settled } from './settle-answer.ts'
import type { HeldItem } from './take-item.ts'

/** Calls of one item that may end in an error that no outcome describes: each of them may have been paid. */
const mostThrown = 3

export interface SettleCall {
  /** What follows from a call, or from the reason why there was none. */
  made(held: HeldItem, made: CallMade): Promise<Settled>
  /**
   * What follows from an error that no outcome describes. Without a bound, BullMQ would run the item, and the user pay for it, without
   * end. Rejects when Redis does not answer.
   */
  threw(held: HeldItem, error: unknown): Promise<RunEnd>
}

export interface SettleCallDependencies {
  readonly ledger: Ledger
  readonly record: RecordItem
  readonly settleAnswer: SettleAnswer
  readonly policy: RetryPolicy
}

export function createSettleCall({ ledger, record, settleAnswer, policy }: SettleCallDependencies): SettleCall {
  return {
    async made(held, made) {
      const { begin, waitedTooLong, tookTooLong } = held.deadlines
      switch (made.type) {
        case 'answered':
          return settleAnswer(held, made.call)
        case 'late': {
          const message = begin?.aborted ? waitedTooLong : tookTooLong
          return ended(record.failure(held, { type: 'timed_out', message }, noLastCall))
        }
        case 'cut-off':
          return ended(record.failure(held, { type: 'timed_out', message: tookTooLong }, unsettledCall))
        case 'too-large':
          return ended(record.failure(held, { type: 'too_large', message: made.message }, noLastCall))
        case 'aborted':
          return ended(aborted(held, made.reason))
        case 'stale':
          return { type: 'ended', end: { type: 'dropped' } }
        case 'over-cost':
          return overCostOf(held)
        case 'paused':
          return ended(letGo(held, 'requeue'))
        case 'cancelled':
          return ended(letGo(held, 'cancel'))
        default:
          return made satisfies never
      }
    },

    async threw(before, error) {
      const thrown = (before.tries.thrown ?? 0) + 1
      const held = { ...before, tries: { ...before.tries, calls: before.tries.calls + 1, thrown } }
      if ((await ledger.closeCall(held.run, held.tries, noCost, 'unsettled')) === 'stale') return { type: 'dropped' }
      // Nothing is asked again: the next answer would end a process too.
      if (error instanceof ProcessEndedError)
        return record.failure(held, { type: 'internal_error', message: error.message }, unsettledCall)
      const unexpected = new UnexpectedError(error)
      if (thrown >= mostThrown) {
        return record.failure(held, { type: 'internal_error', message: unexpected.message }, unsettledCall)
      }
      await ledger.letGo(held.run, 'wait')
      return { type: 'threw', delayMs: backoffMs(thrown, policy, Math.random), error: unexpected }
    },
  }

  /** The next call does not fit the batch's cost cap. */
  async function overCostOf(held: HeldItem): Promise<Settled> {
    const cheaper = await held.task.cheaperCall(held.item.text, held.tries)
    switch (cheaper.type) {
      case 'none':
        return ended(pauseForCost(held))
      case 'ask-again':
        return { type: 'call-again', held: { ...held, tries: cheaper.tries } }
      case 'fail':
        return ended(record.failure(held, cheaper.error, noLastCall))
      default:
        return cheaper satisfies never
    }
  }

  async function pauseForCost(held: HeldItem): Promise<RunEnd> {
    await ledger.pause(held.run.batchId, overCost)
    return letGo(held, 'requeue')
  }

  async function aborted(held: HeldItem, reason: AbortReason): Promise<RunEnd> {
    switch (reason) {
      case 'batch-cancelled':
        return letGo(held, 'cancel')
      case 'shutdown': {
        const done = await ledger.letGo(held.run, 'wait')
        return { type: done === 'done' ? 'handed-back' : 'dropped' }
      }
      case 'lock-lost':
        // Another worker holds the item, or will: this run must not change it.
        return { type: 'dropped' }
      default:
        return reason satisfies never
    }
  }

  async function letGo(held: HeldItem, to: 'requeue' | 'cancel'): Promise<RunEnd> {
    await ledger.letGo(held.run, to)
    return { type: 'dropped' }
  }
}
