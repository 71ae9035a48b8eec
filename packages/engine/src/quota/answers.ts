import { type Call, paid, type ReportedLimit } from '@sluice/contract/outcome'
import type { ExchangeMessage, SeenLimit } from './exchange.ts'
import type { Reservation } from './quota.ts'

type Report = Pick<ExchangeMessage, 'reported' | 'back' | 'uncharged' | 'over' | 'refused' | 'answered' | 'answeredAge'>

/**
 * Failures in a row, in one process, that count as an overload of the provider: where each call fails by chance, one in ten, so many in a
 * row come once in 100 million calls.
 */
const overloadedAfter = 8

/** What the answers of a process have said since its last exchange. Times are the process's, in ms. */
export interface Answers {
  add(reservation: Reservation, call: Call, nowMs: number): void
  /** The call was not made. */
  giveBack(tokens: number): void
  /** There is something to report. */
  any(): boolean
  /** The provider refuses: the lane must know at once. */
  urgent(): boolean
  /** All of it, once. */
  take(nowMs: number): Report
}

/** Of all answers since the last exchange that reported the same limit: sums, and what the newest said. */
interface Reported {
  readonly newest: ReportedLimit
  readonly newestGoneAtMs: number
  readonly refused: boolean
  readonly count: number
  readonly remaining: number
  readonly least: number
  readonly greatest: number
  readonly goneAtMs: number
  readonly answeredAtMs: number
  /** Null: one of the calls went without a grant. */
  readonly mark: number | null
  readonly settled: number | null
  readonly lost: number | null
  readonly cost: number
  readonly used: number
  readonly generation: number
  readonly ends: Ends | null
}

/** When the limit is whole again, by what each answer said: counted from when its call went, and from when the answer came. */
interface Ends {
  readonly earliestGone: number
  readonly latestGone: number
  readonly earliestBack: number
  readonly latestBack: number
}

interface Refused {
  readonly untilMs: number
  readonly goneAtMs: number
  readonly scope: 'requests' | 'tokens' | null
  readonly overloaded: boolean
}

export function createAnswers(): Answers {
  const reported = new Map<string, Reported>()
  let back = { requests: 0, tokens: 0 }
  let uncharged = { requests: 0, tokens: 0 }
  let over = 0
  let refused: Refused | null = null
  let answered = 0
  let answeredGoneAtMs = 0
  let failures = 0
  let any = false

  return {
    add(reservation, call, nowMs) {
      any = true
      // After its grant a call may still wait for a slot.
      const goneAtMs = Math.max(reservation.goneAtMs, nowMs - call.latencyMs)
      const { outcome } = call
      for (const limit of call.limits ?? []) {
        addReported(limit, reservation, call, { goneAtMs, nowMs })
      }
      if (paid(call) === 'yes') {
        failures = 0
        answered += 1
        answeredGoneAtMs = Math.max(answeredGoneAtMs, goneAtMs)
        const used = call.usage.input_tokens + call.usage.output_tokens
        if (used > 0) over += used - reservation.tokens
      } else if (outcome.type === 'rate-limited') {
        uncharged.requests += 1
        uncharged.tokens += reservation.tokens
        refuse(nowMs, goneAtMs, outcome.retryAfterMs, outcome.scope, false)
      } else if (outcome.type === 'unavailable' && outcome.retryAfterMs !== 0) {
        failures += 1
        if (failures >= overloadedAfter) refuse(nowMs, goneAtMs, outcome.retryAfterMs, null, true)
      }
    },
    giveBack(tokens) {
      any = true
      back.requests += 1
      back.tokens += tokens
    },
    any: () => any,
    urgent: () => refused !== null,
    take(nowMs) {
      const report: Report = {
        reported: [...reported.values()].map((one) => seen(one, nowMs)),
        back,
        uncharged,
        over,
        ...(refused === null ? {} : { refused: reportRefused(refused, nowMs) }),
        answered,
        answeredAge: nowMs - answeredGoneAtMs,
      }
      reported.clear()
      back = { requests: 0, tokens: 0 }
      uncharged = { requests: 0, tokens: 0 }
      over = answered = answeredGoneAtMs = 0
      refused = null
      any = false
      return report
    },
  }

  function addReported(
    limit: ReportedLimit,
    { mark, tokens }: Reservation,
    { outcome, usage }: Call,
    at: { goneAtMs: number; nowMs: number },
  ): void {
    const isRefusal = outcome.type === 'rate-limited'
    const known = mark?.limits[`${limit.name} ${limit.limit ?? ''}`]
    const generation = known?.generation ?? 0
    const key = `${limit.name} ${generation}`
    const before = reported.get(key)
    // A refused call was not charged, so its header does not fit those of calls that were. The latest state of the limit is worth most.
    const fits = before?.newest.limit === limit.limit && before.refused === isRefusal
    if (before && !fits && (before.refused || at.goneAtMs < before.newestGoneAtMs) && !isRefusal) return
    const sum = fits ? before : nothingReported
    const isNewest = !fits || at.goneAtMs >= before.newestGoneAtMs
    const remaining = limit.remaining ?? 0
    reported.set(key, {
      newest: isNewest ? limit : before.newest,
      newestGoneAtMs: isNewest ? at.goneAtMs : before.newestGoneAtMs,
      refused: isRefusal,
      count: sum.count + 1,
      remaining: sum.remaining + remaining,
      least: Math.min(sum.least, remaining),
      greatest: Math.max(sum.greatest, remaining),
      goneAtMs: sum.goneAtMs + at.goneAtMs,
      answeredAtMs: sum.answeredAtMs + at.nowMs,
      mark: mark === null || sum.mark === null ? null : sum.mark + mark[limit.unit],
      settled: mark === null || sum.settled === null ? null : sum.settled + mark.settled[limit.unit],
      lost: mark === null || sum.lost === null ? null : sum.lost + (known?.lost ?? 0),
      used: sum.used + usage.input_tokens + usage.output_tokens,
      generation,
      ends: endsOf(sum.ends, limit.resetMs, at),
      cost: sum.cost + (limit.unit === 'requests' ? 1 : Math.max(1, tokens)),
    })
  }

  function refuse(
    nowMs: number,
    goneAtMs: number,
    afterMs: number | null,
    scope: Refused['scope'],
    overloaded: boolean,
  ): void {
    refused = {
      untilMs: Math.max(refused?.untilMs ?? -1, afterMs === null ? -1 : nowMs + afterMs),
      goneAtMs: Math.max(refused?.goneAtMs ?? 0, goneAtMs),
      scope,
      overloaded: overloaded && (refused?.overloaded ?? true),
    }
  }
}

function reportRefused(refused: Refused, nowMs: number): NonNullable<ExchangeMessage['refused']> {
  return {
    after: refused.untilMs < 0 ? -1 : Math.max(0, refused.untilMs - nowMs),
    age: nowMs - refused.goneAtMs,
    ...(refused.scope === null ? {} : { scope: refused.scope }),
    overloaded: refused.overloaded,
  }
}

function endsOf(before: Ends | null, resetMs: number | null, at: { goneAtMs: number; nowMs: number }): Ends | null {
  if (resetMs === null) return before
  const gone = at.goneAtMs + resetMs
  const back = at.nowMs + resetMs
  return {
    earliestGone: Math.min(before?.earliestGone ?? gone, gone),
    latestGone: Math.max(before?.latestGone ?? gone, gone),
    earliestBack: Math.min(before?.earliestBack ?? back, back),
    latestBack: Math.max(before?.latestBack ?? back, back),
  }
}

const nothingReported = {
  count: 0,
  remaining: 0,
  least: Number.POSITIVE_INFINITY,
  greatest: 0,
  goneAtMs: 0,
  answeredAtMs: 0,
  mark: 0,
  settled: 0,
  lost: 0,
  cost: 0,
  used: 0,
  ends: null,
}

function seen(reported: Reported, nowMs: number): SeenLimit {
  const { newest, count } = reported
  return {
    name: newest.name,
    unit: newest.unit,
    count,
    ...(newest.limit === null ? {} : { limit: newest.limit }),
    ...(newest.remaining === null
      ? {}
      : {
          remaining: reported.remaining / count,
          last: newest.remaining,
          least: reported.least,
          greatest: reported.greatest,
        }),
    ...(newest.resetMs === null ? {} : { reset: newest.resetMs }),
    ...(reported.ends === null
      ? {}
      : {
          ends: {
            earliestGone: reported.ends.earliestGone - nowMs,
            latestGone: reported.ends.latestGone - nowMs,
            earliestBack: reported.ends.earliestBack - nowMs,
            latestBack: reported.ends.latestBack - nowMs,
          },
        }),
    generation: reported.generation,
    resetStep: newest.resetStepMs,
    ...(newest.periodMs === null ? {} : { period: newest.periodMs }),
    age: nowMs - reported.goneAtMs / count,
    back: nowMs - reported.answeredAtMs / count,
    ...(reported.mark === null ? {} : { mark: reported.mark / count }),
    ...(reported.settled === null ? {} : { settled: reported.settled / count }),
    ...(reported.lost === null ? {} : { lost: reported.lost / count }),
    cost: reported.cost / count,
    used: reported.used / count,
    ...(reported.refused ? { refused: true } : {}),
  }
}
