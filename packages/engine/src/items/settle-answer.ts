import { type Call, paid } from '@sluice/contract/outcome'
import { withAttempt } from '../ledger/attempts.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { CallEnd, Cost, Tries } from '../ledger/run.ts'
import type { Money } from './prices.ts'
import type { LastCall, RecordItem } from './record-item.ts'
import type { RunEnd } from './run-end.ts'
import type { HeldItem } from './take-item.ts'
import type { Verdict } from './task.ts'

export type Settled =
  /** The item needs another call at once, with what it has used by now. */
  { readonly type: 'call-again'; readonly held: HeldItem } | { readonly type: 'ended'; readonly end: RunEnd }

/** Lets the task judge a call, and writes what follows to the ledger. */
export type SettleAnswer = (held: HeldItem, call: Call) => Promise<Settled>

export interface SettleAnswerDependencies {
  readonly ledger: Ledger
  readonly record: RecordItem
  /** Pauses every batch of the lane that has items to feed. */
  readonly pauseLane: (reason: string) => Promise<void>
  readonly money: Money
  readonly onCall: (call: Call, nanoUsd: number) => void
}

const dropped: RunEnd = { type: 'dropped' }

export function createSettleAnswer(dependencies: SettleAnswerDependencies): SettleAnswer {
  const { ledger, record, pauseLane, money, onCall } = dependencies

  return async (before, call) => {
    const nanoUsd = money.of(call)
    onCall(call, nanoUsd)
    const last = lastCall(call, nanoUsd)
    const held: HeldItem = {
      ...before,
      tries: {
        ...before.tries,
        nanoUsd: before.tries.nanoUsd + nanoUsd,
        attempts: withAttempt(before.tries.attempts, call, nanoUsd),
      },
      // The item's first call has begun.
      deadlines: { ...before.deadlines, begin: null },
    }
    const verdict = await held.task.judge(call, held.item.text, held.tries)
    switch (verdict.type) {
      case 'succeed':
        return ended(record.success(held, verdict.answer, last))
      case 'fail':
        return ended(record.failure(held, verdict.error, last))
      case 'ask-again':
      case 'wait':
        return callAgain(held, verdict.tries, last)
      case 'retry':
      case 'pause-lane': {
        const closed = await ledger.closeCall(held.run, verdict.tries, last.cost, last.end)
        return { type: 'ended', end: closed === 'stale' ? dropped : await stepBack(held, verdict) }
      }
      default:
        return verdict satisfies never
    }
  }

  async function callAgain(held: HeldItem, tries: Tries, { cost, end }: LastCall): Promise<Settled> {
    const closed = await ledger.closeCall(held.run, tries, cost, end)
    return closed === 'stale' ? { type: 'ended', end: dropped } : { type: 'call-again', held: { ...held, tries } }
  }

  /** The item gives its slot to another one. */
  async function stepBack(
    held: HeldItem,
    verdict: Extract<Verdict, { type: 'retry' | 'pause-lane' }>,
  ): Promise<RunEnd> {
    if (verdict.type === 'pause-lane') {
      // Its batch may be wholly in the window, and so not among those that are ready.
      await ledger.pause(held.run.batchId, verdict.reason)
      await pauseLane(verdict.reason)
      await ledger.letGo(held.run, 'requeue')
      return dropped
    }
    await ledger.letGo(held.run, 'wait')
    return { type: 'retry', delayMs: verdict.delayMs, message: verdict.message }
  }
}

/** The run ends as `end` says once that is recorded. */
export async function ended(end: Promise<RunEnd>): Promise<Settled> {
  return { type: 'ended', end: await end }
}

function lastCall(call: Call, nanoUsd: number): LastCall {
  const wasPaid = paid(call)
  const end: CallEnd = wasPaid === 'unknown' ? 'unsettled' : 'settled'
  const cost: Cost = {
    paidCalls: wasPaid === 'yes' ? 1 : 0,
    usage: call.usage,
    cachedInputTokens: call.cachedInputTokens,
    nanoUsd,
  }
  return { call, cost, end }
}
