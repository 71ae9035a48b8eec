import { type Call, paid } from '@sluice/contract/outcome'
import type { ExchangeMessage, Seen } from './exchange.ts'
import type { Reservation } from './quota.ts'
import { toldPeriodMs } from './told-period.ts'

export type Found = Omit<ExchangeMessage, 'limits' | 'inFlight' | 'adapts' | 'costs'>

/**
 * Failures without a success between them, in one process, that are taken for an overload of the provider: at one failure in ten,
 * each by chance, so many in a row come once in 100 million calls.
 */
const overloadedAfter = 8
const mostLateMs = 100

/** What the calls of a process have told since its last exchange. Times by `performance.now()`, in ms. */
export interface Findings {
  add(reservation: Reservation, call: Call, nowMs: number): void
  /** For a call that was not made. */
  giveBack(tokens: number): void
  /** Nothing to tell. */
  empty(): boolean
  /** The lane shall know at once: calls are refused. */
  urgent(): boolean
  /** All of it, once. */
  take(nowMs: number): Found
}

/** Sums over the calls that told of one limit. */
interface Samples {
  readonly limit: number
  readonly periodMs: number | null
  readonly remaining: number
  readonly count: number
  readonly goneAtMs: number
  readonly cap: number
  readonly cost: number
  readonly epoch: number
  readonly offs: number
  readonly off: number
}

export function createFindings(): Findings {
  let requests: Samples | undefined
  let tokens: Samples | undefined
  let back = { requests: 0, tokens: 0, over: 0 }
  let refused: { untilMs: number; goneAtMs: number; scope?: 'requests' | 'tokens' } | undefined
  let answeredGoneAtMs: number | undefined
  let failures = 0
  let any = false

  return {
    add(reservation, call, nowMs) {
      any = true
      const { outcome, limits } = call
      // After its instant a call may still wait for a slot; one that was late by more than the horizon met another bucket than was expected.
      const goneAtMs = Math.max(reservation.goneAtMs, nowMs - call.latencyMs)
      const late = goneAtMs - reservation.goneAtMs > mostLateMs
      if (limits !== null) {
        // A refused call took nothing from the bucket, so what was expected of it is wrong by as much.
        const expected = outcome.type === 'rate-limited' || late ? null : reservation.expected
        const of = { goneAtMs, epoch: expected?.epoch ?? 0 }
        requests = withSample(
          requests,
          { ...of, cost: 1, expected: expected?.requests ?? null },
          limits.limitRequests,
          limits.remainingRequests,
          limits.resetRequestsMs,
        )
        tokens = withSample(
          tokens,
          { ...of, cost: reservation.tokens, expected: expected?.tokens ?? null },
          limits.limitTokens,
          limits.remainingTokens,
          limits.resetTokensMs,
        )
      }
      if (paid(call) === 'yes') {
        failures = 0
        answeredGoneAtMs = Math.max(answeredGoneAtMs ?? 0, goneAtMs)
        const used = call.usage.input_tokens + call.usage.output_tokens
        if (used > 0) back.over += used - reservation.tokens
      } else if (outcome.type === 'rate-limited') {
        refuse(nowMs, goneAtMs, outcome.retryAfterMs, outcome.scope)
      } else if (outcome.type === 'unavailable' && outcome.retryAfterMs !== 0) {
        failures += 1
        if (failures >= overloadedAfter) refuse(nowMs, goneAtMs, outcome.retryAfterMs, null)
      }
    },
    giveBack(tokens) {
      any = true
      back.requests += 1
      back.tokens += tokens
    },
    empty: () => !any,
    urgent: () => refused !== undefined,
    take(nowMs) {
      const found: Found = {
        ...(requests === undefined ? {} : { requests: seen(requests, nowMs) }),
        ...(tokens === undefined ? {} : { tokens: seen(tokens, nowMs) }),
        backRequests: back.requests,
        backTokens: back.tokens,
        overTokens: back.over,
        ...(refused === undefined
          ? {}
          : {
              refused: {
                after: refused.untilMs < 0 ? -1 : Math.max(0, refused.untilMs - nowMs),
                age: nowMs - refused.goneAtMs,
                ...(refused.scope === undefined ? {} : { scope: refused.scope }),
              },
            }),
        ...(answeredGoneAtMs === undefined ? {} : { answered: nowMs - answeredGoneAtMs }),
      }
      requests = tokens = refused = answeredGoneAtMs = undefined
      back = { requests: 0, tokens: 0, over: 0 }
      any = false
      return found
    },
  }

  function refuse(nowMs: number, goneAtMs: number, afterMs: number | null, scope: 'requests' | 'tokens' | null): void {
    refused = {
      untilMs: Math.max(refused?.untilMs ?? -1, afterMs === null ? -1 : nowMs + afterMs),
      goneAtMs: Math.max(refused?.goneAtMs ?? 0, goneAtMs),
      ...(scope === null ? {} : { scope }),
    }
  }
}

const noSamples = { periodMs: null, count: 0, goneAtMs: 0, cap: 0, cost: 0, epoch: 0, offs: 0, off: 0 }

function withSample(
  before: Samples | undefined,
  call: { goneAtMs: number; cost: number; epoch: number; expected: number | null },
  limit: number | null,
  remaining: number | null,
  resetMs: number | null,
): Samples | undefined {
  if (limit === null || remaining === null) return before
  // What was told of another limit, or expected in another epoch, is of no use beside this.
  const sum = before?.limit === limit ? before : noSamples
  const useful = call.expected !== null && call.epoch >= sum.epoch
  const offs = useful && call.epoch > sum.epoch ? noSamples : sum
  return {
    limit,
    periodMs: toldPeriodMs(limit, remaining, resetMs) ?? sum.periodMs,
    remaining,
    count: sum.count + 1,
    goneAtMs: sum.goneAtMs + call.goneAtMs,
    cap: sum.cap + (resetMs === null ? remaining : Math.min(limit, remaining + (resetMs * limit) / 60_000)),
    cost: sum.cost + call.cost,
    epoch: useful ? call.epoch : sum.epoch,
    offs: offs.offs + (useful ? 1 : 0),
    off: offs.off + (useful ? remaining - call.expected! : 0),
  }
}

function seen(
  { limit, periodMs, remaining, count, goneAtMs, cap, cost, epoch, offs, off }: Samples,
  nowMs: number,
): Seen {
  return {
    limit,
    ...(periodMs === null ? {} : { periodMs }),
    remaining,
    cap: cap / count,
    cost: cost / count,
    age: nowMs - goneAtMs / count,
    ...(offs === 0 ? {} : { epoch, off: off / offs }),
  }
}
