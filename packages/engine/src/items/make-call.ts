import { type CallRequest, type EstimateTokens, type Extract, modelOf } from '@sluice/contract/extract-function'
import type { Call } from '@sluice/contract/outcome'
import { noUsage } from '@sluice/contract/usage'
import type { ExpectedCost, Ledger, Opened } from '../ledger/ledger.ts'
import { noCost, type Run, type Tries } from '../ledger/run.ts'
import { type CallNeed, type Quota, QuotaTooLargeError, type Reservation } from '../quota/quota.ts'
import { abortAfter } from './deadlines.ts'
import type { Money } from './prices.ts'
import type { AbortReason } from './run-end.ts'
import type { Slots } from './slots.ts'

/** How long the ledger's permission for a call holds. Pausing and cancelling act within a second. */
const openForMs = 250

/** What the items of a lane do in this process now. */
export interface Activity {
  inFlight: number
  waitingForQuota: number
}

export interface MakeCallDependencies {
  readonly ledger: Ledger
  readonly quota: Quota
  /** The lane's model, for requests that name none. */
  readonly model: string
  readonly extract: Extract
  readonly estimateTokens: EstimateTokens
  /** The calls that this process may have in flight on the lane. */
  readonly slots: Slots
  /** Calls in flight and a few that are about to start: a free slot never waits for Redis to write to disk. */
  readonly openingSlots: Slots
  readonly money: Money
  readonly activity: Activity
  /** Called for each call that repeats one which may have been paid. */
  readonly onRepeated: () => void
}

interface CallLimits {
  /** The run's own signal: its abort reason says what follows. */
  readonly signal: AbortSignal
  /** In a separate process. */
  readonly isIsolated: boolean
  /** Aborts when no call may begin any more. */
  readonly stopping: AbortSignal
  /** Aborts when the item's first call has not begun in time; null: no such deadline. */
  readonly begin: AbortSignal | null
  /** Aborts when the item takes too long in all. */
  readonly end: AbortSignal | null
  /** The longest this call may take, in addition to the lane's own time-out. */
  readonly callMs: number | null
}

/** The call, or why there was none. */
export type CallMade =
  | { readonly type: 'answered'; readonly call: Call }
  /** A limit of the lane is less than what the call needs. */
  | { readonly type: 'too-large'; readonly message: string }
  /** The ledger did not open the call. */
  | { readonly type: Exclude<Opened, 'opened'> }
  /** The run was aborted, or the process began to stop before the call had begun. */
  | { readonly type: 'aborted'; readonly reason: AbortReason }
  /** A deadline passed before the call began. */
  | { readonly type: 'late' }
  /** The item's deadline passed while the call was under way: it may have been paid. */
  | { readonly type: 'cut-off' }

export type MakeCall = (run: Run, tries: Tries, request: CallRequest, limits: CallLimits) => Promise<CallMade>

/** Waits for room and quota, opens the call in the ledger, makes it. Slots and quota are held only inside. */
export function createMakeCall(dependencies: MakeCallDependencies): MakeCall {
  const {
    ledger,
    quota,
    model: laneModel,
    extract,
    estimateTokens,
    slots,
    openingSlots,
    money,
    activity,
    onRepeated,
  } = dependencies

  async function ask(request: CallRequest, { signal, isIsolated, end, callMs }: CallLimits): Promise<Call> {
    const timeout = callMs === null ? null : abortAfter(callMs)
    const began = performance.now()
    activity.inFlight += 1
    try {
      return await extract(request, { signal: any(signal, end, timeout), isIsolated })
    } catch (error) {
      if (timeout?.aborted !== true || signal.aborted || end?.aborted === true) throw error
      return timedOut(performance.now() - began)
    } finally {
      activity.inFlight -= 1
    }
  }

  async function reserve(need: CallNeed, signal: AbortSignal): Promise<Reservation> {
    activity.waitingForQuota += 1
    try {
      return await quota.reserve(need, { signal })
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
    const waiting = any(limits.signal, limits.stopping, limits.begin, limits.end)
    let reserved: Reservation | undefined
    let opened: Opened | undefined
    /** The ledger may have opened it, although its reply did not come. */
    let opening = false
    let started = false
    try {
      using _opening = await openingSlots.take(waiting)
      const tokens = estimateTokens(request)
      const expected = money.expect(tokens)
      const model = modelOf(request) ?? laneModel
      reserved = await reserve({ model, tokens: Math.max(tokens.input, tokens.mostOutput ?? 0) }, waiting)
      const openedAt = performance.now()
      opening = true
      opened = await open(run, expected)
      if (opened === 'opened') {
        using _slot = await slots.take(waiting)
        // The batch may have been paused or cancelled while this call waited for a slot.
        if (performance.now() - openedAt > openForMs) opened = await open(run, expected)
        if (opened === 'opened') {
          waiting.throwIfAborted()
          started = true
          const call = await ask(request, limits)
          quota.settle(reserved, call)
          return { type: 'answered', call }
        }
        await ledger.closeCall(run, tries, noCost, 'settled')
      }
      quota.release(reserved)
      return { type: opened }
    } catch (error) {
      if (error instanceof QuotaTooLargeError) return { type: 'too-large', message: error.message }
      // Once started, a call may have reached the provider: its reservation stays spent, and the ledger keeps it as unsettled.
      if (reserved && started) quota.settle(reserved, null)
      if (reserved && !started) quota.release(reserved)
      const stopped = !started && limits.stopping.aborted
      const late = limits.end?.aborted === true || (!started && limits.begin?.aborted === true)
      if (!limits.signal.aborted && !late && !stopped) throw error
      if (opening && !started) await ledger.closeCall(run, tries, noCost, 'settled')
      if (limits.signal.aborted) return { type: 'aborted', reason: limits.signal.reason as AbortReason }
      if (stopped) return { type: 'aborted', reason: 'shutdown' }
      return { type: started ? 'cut-off' : 'late' }
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
