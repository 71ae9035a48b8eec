import type { EstimateTokens, Extract, ExtractRequest } from '@sluice/contract/extract-function'
import type { Call } from '@sluice/contract/outcome'
import { noUsage } from '@sluice/contract/usage'
import { abortAfter } from './abort-after.ts'
import type { ExpectedCost, Ledger, Opened } from '../ledger/ledger.ts'
import { noCost, type Run, type Tries } from '../ledger/run.ts'
import type { Money } from './prices.ts'
import { type Quota, QuotaTooLargeError, type Reservation } from '../quota/quota.ts'
import type { Slots } from './slots.ts'

/** For this long the ledger's word that a call may go holds; pausing and cancelling act within a second. */
const openForMs = 250

/** What a lane's items do in this process now. */
export interface Activity {
  inFlight: number
  waitingForQuota: number
}

export interface CallDependencies {
  readonly ledger: Ledger
  readonly quota: Quota
  readonly extract: Extract
  readonly estimateTokens: EstimateTokens
  /** The calls that this process may have in flight on the lane. */
  readonly slots: Slots
  /** Room for those in flight and a few more that are about to go, so that a slot never waits for a write to be on disk. */
  readonly places: Slots
  readonly money: Money
  readonly activity: Activity
  /** Told of each call that repeats one which may have been paid. */
  readonly onRepeated: () => void
}

export interface CallLimits {
  /** The run's own: when it aborts, whoever aborted it knows what follows. */
  readonly signal: AbortSignal
  /** Until then the call must have begun; null: at any time. */
  readonly begin: AbortSignal | null
  /** Until then the item must be done. */
  readonly end: AbortSignal | null
  /** Of the call itself, beside the lane's own. */
  readonly callMs: number | null
}

/** The call, or why there is none. `late`: the item's time was over before it went; `cut-off`: while it was under way, so it may be paid. */
export type CallMade = Call | QuotaTooLargeError | Exclude<Opened, 'opened'> | 'aborted' | 'late' | 'cut-off'

export type MakeCall = (run: Run, tries: Tries, request: ExtractRequest, limits: CallLimits) => Promise<CallMade>

/** Waits for room and quota, opens the call in the ledger, makes it. Only here are a slot and a part of the quota held. */
export function createMakeCall(dependencies: CallDependencies): MakeCall {
  const { ledger, quota, extract, estimateTokens, slots, places, money, activity, onRepeated } = dependencies

  async function ask(request: ExtractRequest, { signal, end, callMs }: CallLimits): Promise<Call> {
    const timeout = callMs === null ? null : abortAfter(callMs)
    const began = performance.now()
    activity.inFlight += 1
    try {
      return await extract(request, { signal: any(signal, end, timeout) })
    } catch (error) {
      if (timeout?.aborted !== true || signal.aborted || end?.aborted === true) throw error
      return timedOut(performance.now() - began)
    } finally {
      activity.inFlight -= 1
    }
  }

  async function reserve(tokens: number, signal: AbortSignal): Promise<Reservation> {
    activity.waitingForQuota += 1
    try {
      return await quota.reserve(tokens, { signal })
    } finally {
      activity.waitingForQuota -= 1
    }
  }

  async function open(run: Run, expected: ExpectedCost): Promise<Opened> {
    const opened = await ledger.openCall(run, expected)
    if (opened !== 'repeated') return opened
    onRepeated()
    return 'opened'
  }

  return async (run, tries, request, limits) => {
    const waiting = any(limits.signal, limits.begin, limits.end)
    let reserved: Reservation | undefined
    let opened: Opened | undefined
    let gone = false
    try {
      using _place = await places.take(waiting)
      const tokens = estimateTokens(request)
      const expected = money.expect(tokens)
      reserved = await reserve(Math.max(tokens.input, tokens.mostOutput ?? 0), waiting)
      const openedAt = performance.now()
      opened = await open(run, expected)
      if (opened === 'opened') {
        using _slot = await slots.take(waiting)
        // Paused or cancelled while it waited behind long calls?
        if (performance.now() - openedAt > openForMs) opened = await open(run, expected)
        if (opened === 'opened') {
          gone = true
          const call = await ask(request, limits)
          quota.settle(reserved, call)
          return call
        }
        await ledger.closeCall(run, tries, noCost, 'settled')
      }
      quota.release(reserved)
      return opened
    } catch (error) {
      if (error instanceof QuotaTooLargeError) return error
      // Once gone, a call may have reached the provider: its reservation stays spent, and the ledger keeps it as unsettled.
      if (reserved && gone) quota.settle(reserved, null)
      if (reserved && !gone) quota.release(reserved)
      const late = limits.end?.aborted === true || (!gone && limits.begin?.aborted === true)
      if (!limits.signal.aborted && !late) throw error
      if (opened === 'opened' && !gone) await ledger.closeCall(run, tries, noCost, 'settled')
      if (limits.signal.aborted) return 'aborted'
      return gone ? 'cut-off' : 'late'
    }
  }
}

function any(signal: AbortSignal, ...others: (AbortSignal | null)[]): AbortSignal {
  const there = others.filter((one) => one !== null)
  return there.length === 0 ? signal : AbortSignal.any([signal, ...there])
}

function timedOut(latencyMs: number): Call {
  const outcome = {
    type: 'unavailable',
    message: "The call took longer than the batch's deadline for a call.",
    retryAfterMs: null,
    timedOut: true,
    answered: false,
  } as const
  return { outcome, usage: noUsage, cachedInputTokens: 0, raw: null, limits: null, latencyMs }
}
