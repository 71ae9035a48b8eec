import type { EstimateTokens, Extract, ExtractRequest } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { Item } from '@sluice/contract/item'
import type { Call } from '@sluice/contract/outcome'
import type { FailureType } from '@sluice/contract/result'
import { decide, paid, type RetryPolicy } from './decide.ts'
import { type Cost, type Ledger, noCost, type Opened, type Run, type Tries } from './ledger/ledger.ts'
import type { Money } from './money.ts'
import { type Quota, QuotaTooLargeError, type Reservation } from './quota/quota.ts'
import type { Slots } from './slots.ts'
import { ofItem, type StoredResult } from './stored-result.ts'

/** For this long the ledger's word that a call may go holds; pausing and cancelling act within a second. */
const openForMs = 250

/** How one run of an item ended. */
export type RunEnd =
  | { readonly type: 'succeeded' }
  | { readonly type: 'failed'; readonly message: string }
  /** Not ours (any more): recorded, fed anew, paused, cancelled or deleted. */
  | { readonly type: 'dropped' }
  /** To be run again after `delayMs`; costs one of the item's tries, which are kept in the ledger. */
  | { readonly type: 'retry'; readonly delayMs: number; readonly message: string }
  /** The process stops: the job goes back to the queue. */
  | { readonly type: 'handed-back' }

/** Why a run is aborted: the reason of its signal. */
export type AbortReason = 'shutdown' | 'batch-cancelled' | 'lock-lost'

/** What a lane's items do in this process now. */
export interface Activity {
  inFlight: number
  waitingForQuota: number
}

export interface RunItemDependencies {
  readonly ledger: Ledger
  readonly quota: Quota
  readonly extract: Extract
  readonly estimateTokens: EstimateTokens
  readonly readItem: (batchId: string, index: number) => Promise<Item | null>
  readonly readExtractor: (batchId: string) => Promise<Extractor | null>
  /** The calls that this process may have in flight on the lane. */
  readonly slots: Slots
  /** Room for those in flight and a few more that are about to go, so that a slot never waits for a write to be on disk. */
  readonly places: Slots
  /** Pauses every batch of the lane. */
  readonly pauseLane: (reason: string) => Promise<void>
  readonly policy: RetryPolicy
  /** Pauses the one batch. */
  readonly pauseBatch: (batchId: string, reason: string) => Promise<void>
  readonly money: Money
  readonly activity: Activity
  readonly onCall: (call: Call, nanoUsd: number) => void
}

/** One item's life on a worker: recorded already? stop. Reserve quota. Call. Decide. Record. */
export function createRunItem(
  dependencies: RunItemDependencies,
): (run: Run, options: { signal: AbortSignal }) => Promise<RunEnd> {
  const {
    ledger,
    quota,
    extract,
    estimateTokens,
    readItem,
    readExtractor,
    slots,
    places,
    pauseLane,
    pauseBatch,
    policy,
    money,
    activity,
    onCall,
  } = dependencies

  /** The call itself, or why there is none. Only here are a slot and a part of the quota held. */
  async function makeCall(
    run: Run,
    tries: Tries,
    request: ExtractRequest,
    signal: AbortSignal,
  ): Promise<Call | QuotaTooLargeError | Exclude<Opened, 'opened'> | 'aborted'> {
    let reserved: Reservation | undefined
    let opened: Opened | undefined
    let gone = false
    try {
      using _place = await places.take(signal)
      const tokens = estimateTokens(request)
      const expected = money.expect(tokens)
      activity.waitingForQuota += 1
      try {
        reserved = await quota.reserve(Math.max(tokens.input, tokens.mostOutput ?? 0), { signal })
      } finally {
        activity.waitingForQuota -= 1
      }
      const openedAt = performance.now()
      opened = await ledger.openCall(run, expected)
      if (opened === 'opened') {
        using _slot = await slots.take(signal)
        // Paused or cancelled while it waited behind long calls?
        if (performance.now() - openedAt > openForMs) opened = await ledger.openCall(run, expected)
        if (opened === 'opened') {
          gone = true
          activity.inFlight += 1
          try {
            const call = await extract(request, { signal })
            quota.settle(reserved, call)
            return call
          } finally {
            activity.inFlight -= 1
          }
        }
        await ledger.closeCall(run, tries, noCost, 'settled')
      }
      quota.release(reserved)
      return opened
    } catch (error) {
      if (error instanceof QuotaTooLargeError) return error
      // Once gone, a call may have reached the provider: its reservation stays spent, and the ledger keeps it as unsettled.
      if (reserved && !gone) quota.release(reserved)
      if (!signal.aborted) throw error
      if (opened === 'opened' && !gone) await ledger.closeCall(run, tries, noCost, 'settled')
      return 'aborted'
    }
  }

  return async (run, { signal }) => {
    const taken = await ledger.take(run)
    if (taken.type !== 'taken') return { type: 'dropped' }
    const [item, extractor] = await Promise.all([readItem(run.batchId, run.index), readExtractor(run.batchId)])
    if (item === null || extractor === null) return { type: 'dropped' }

    let { tries } = taken
    for (;;) {
      const request = { extractor, text: item.text, reasks: tries.reasks }
      const made = await makeCall(run, tries, request, signal)
      if (made === 'aborted') return aborted(run, signal)
      if (made instanceof QuotaTooLargeError) {
        return fail({ type: 'too_large', message: made.message }, tries, noCost, null)
      }
      if (typeof made === 'string') return giveUp(made)
      const call = made

      const wasPaid = paid(call)
      onCall(call, money.of(call))
      const cost: Cost = {
        paidCalls: wasPaid === 'yes' ? 1 : 0,
        usage: call.usage,
        cachedInputTokens: call.cachedInputTokens,
        nanoUsd: money.of(call),
      }
      tries = { ...tries, nanoUsd: tries.nanoUsd + cost.nanoUsd }
      const end = wasPaid === 'unknown' ? 'unsettled' : 'settled'
      const decision = decide(call, tries, { ...policy, reasks: extractor.reasks })
      switch (decision.type) {
        case 'succeed': {
          const result = { status: 'succeeded' as const, data: decision.data, ...used(tries, call) }
          const recorded = await ledger.record(run, 'succeeded', stored(item, run.index, result), cost)
          return { type: recorded === 'recorded' ? 'succeeded' : 'dropped' }
        }
        case 'fail':
          return fail(decision.error, tries, cost, call)
        case 'ask-again':
        case 'wait': {
          tries = decision.tries
          if ((await ledger.closeCall(run, tries, cost, end)) === 'stale') return { type: 'dropped' }
          continue
        }
        case 'retry': {
          if ((await ledger.closeCall(run, decision.tries, cost, end)) === 'stale') return { type: 'dropped' }
          await ledger.letGo(run, 'wait')
          return { type: 'retry', delayMs: decision.delayMs, message: decision.message }
        }
        case 'pause-lane': {
          if ((await ledger.closeCall(run, decision.tries, cost, end)) === 'stale') return { type: 'dropped' }
          await pauseLane(decision.reason)
          return giveUp('paused')
        }
        default:
          return decision satisfies never
      }
    }

    async function fail(
      error: { type: FailureType; message: string },
      before: Tries,
      cost: Cost,
      call: Call | null,
    ): Promise<RunEnd> {
      const raw = call?.raw ?? before.reasks.at(-1)?.raw
      const result = { status: 'failed' as const, error, ...(raw === undefined ? {} : { raw }), ...used(before, call) }
      const recorded = await ledger.record(run, 'failed', stored(item!, run.index, result), cost)
      if (recorded === 'stale') return { type: 'dropped' }
      return { type: 'failed', message: `${error.type}: ${error.message} (item '${item!.id}')` }
    }

    async function giveUp(why: Exclude<Opened, 'opened'>): Promise<RunEnd> {
      if (why === 'over-cost')
        await pauseBatch(run.batchId, 'max_cost_usd: the next call might take the batch beyond it')
      if (why === 'paused' || why === 'over-cost') await ledger.letGo(run, 'requeue')
      if (why === 'cancelled') await ledger.letGo(run, 'cancel')
      return { type: 'dropped' }
    }

    async function aborted(mine: Run, aborting: AbortSignal): Promise<RunEnd> {
      const reason = aborting.reason as AbortReason
      switch (reason) {
        case 'batch-cancelled':
          return giveUp('cancelled')
        case 'shutdown':
          return (await ledger.letGo(mine, 'wait')) === 'done' ? { type: 'handed-back' } : { type: 'dropped' }
        case 'lock-lost':
          // Another worker has it, or will: nothing of it is ours to touch.
          return { type: 'dropped' }
        default:
          return reason satisfies never
      }
    }
  }
}

function used(before: Tries, call: Call | null): Pick<StoredResult, 'usage' | 'cost_usd' | 'attempts'> {
  return {
    usage: {
      input_tokens: before.usage.input_tokens + (call?.usage.input_tokens ?? 0),
      output_tokens: before.usage.output_tokens + (call?.usage.output_tokens ?? 0),
    },
    ...(before.nanoUsd > 0 ? { cost_usd: before.nanoUsd / 1e9 } : {}),
    attempts: before.calls + (call === null ? 0 : 1),
  }
}

function stored(item: Item, index: number, result: Omit<StoredResult, 'id' | 'metadata'>): StoredResult {
  return { ...ofItem(item, index), ...result }
}
