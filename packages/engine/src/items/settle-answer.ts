import type { LongTexts } from '@sluice/contract/extract-function'
import { type Call, paid } from '@sluice/contract/outcome'
import { withAttempt } from '../ledger/attempts.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { CallEnd, Cost, Tries } from '../ledger/run.ts'
import { type Decision, decide, type RetryPolicy, withCall } from './decide.ts'
import { afterPart, ofPart, optionsAfterTruncation, wholeAnswer } from './long-text.ts'
import type { Money } from './prices.ts'
import type { LastCall, RecordItem } from './record-item.ts'
import type { RunEnd } from './run-end.ts'
import type { HeldItem } from './take-item.ts'

export type Settled =
  /** The item needs another call at once, with what it has used by now. */
  { readonly type: 'call-again'; readonly held: HeldItem } | { readonly type: 'ended'; readonly end: RunEnd }

/** Decides what follows from a call, and writes it to the ledger. */
export type SettleAnswer = (held: HeldItem, call: Call) => Promise<Settled>

export interface SettleAnswerDependencies {
  readonly ledger: Ledger
  readonly record: RecordItem
  /** Pauses every batch of the lane that has items to feed. */
  readonly pauseLane: (reason: string) => Promise<void>
  readonly longTexts: LongTexts
  readonly policy: RetryPolicy
  readonly money: Money
  readonly onCall: (call: Call, nanoUsd: number) => void
}

const dropped: RunEnd = { type: 'dropped' }

export function createSettleAnswer(dependencies: SettleAnswerDependencies): SettleAnswer {
  const { ledger, record, pauseLane, longTexts, policy, money, onCall } = dependencies

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
    const { reasks } = held.recipe.extractor
    const isTruncated = call.outcome.type === 'truncated'
    const afterTruncation = isTruncated ? await optionsAfterTruncation(longTexts, held) : undefined
    const decision = decide(call, held.tries, { ...policy, reasks, afterTruncation })
    switch (decision.type) {
      case 'succeed':
        return settleSuccess(decision.repaired ? repaired(held) : held, call, decision.data, last)
      case 'fail': {
        const message = ofPart(held.tries, decision.error.message)
        return ended(record.failure(held, { ...decision.error, message }, last))
      }
      case 'ask-again':
      case 'wait':
        return callAgain(held, decision.tries, last)
      case 'retry':
      case 'pause-lane': {
        const closed = await ledger.closeCall(held.run, decision.tries, last.cost, last.end)
        return { type: 'ended', end: closed === 'stale' ? dropped : await stepBack(held, decision) }
      }
      default:
        return decision satisfies never
    }
  }

  /** The answer may be of one part of the text, of the last part, or of the whole text. */
  async function settleSuccess(held: HeldItem, call: Call, data: unknown, last: LastCall): Promise<Settled> {
    const next = afterPart(withCall(held.tries, call), data)
    if (next !== null) return callAgain(held, next, last)
    const whole = wholeAnswer(held.tries, longTexts, held.recipe.extractor, data)
    if (!whole.valid) {
      return ended(record.failure(held, { type: 'invalid_output', message: whole.errors.join('\n') }, last))
    }
    const { valid: _valid, ...answer } = whole
    return ended(record.success(held, answer, last))
  }

  async function callAgain(held: HeldItem, tries: Tries, { cost, end }: LastCall): Promise<Settled> {
    const closed = await ledger.closeCall(held.run, tries, cost, end)
    return closed === 'stale' ? { type: 'ended', end: dropped } : { type: 'call-again', held: { ...held, tries } }
  }

  /** The item gives its slot to another one. */
  async function stepBack(
    held: HeldItem,
    decision: Extract<Decision, { type: 'retry' | 'pause-lane' }>,
  ): Promise<RunEnd> {
    if (decision.type === 'pause-lane') {
      // Its batch may be wholly in the window, and so not among those that are ready.
      await ledger.pause(held.run.batchId, decision.reason)
      await pauseLane(decision.reason)
      await ledger.letGo(held.run, 'requeue')
      return dropped
    }
    await ledger.letGo(held.run, 'wait')
    return { type: 'retry', delayMs: decision.delayMs, message: decision.message }
  }
}

/** The run ends as `end` says once that is recorded. */
export async function ended(end: Promise<RunEnd>): Promise<Settled> {
  return { type: 'ended', end: await end }
}

function repaired(held: HeldItem): HeldItem {
  return { ...held, tries: { ...held.tries, repaired: true } }
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
