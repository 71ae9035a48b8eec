import type { LimitSample, ReportedLimit } from '@sluice/contract/outcome'
import type { LaneProvider } from './lane-provider.ts'
import { createRandom } from './random.ts'

/** How a provider counts one of its limits. */
export interface LimitRule {
  readonly unit: 'requests' | 'tokens'
  /** `bucket`: refills all the time. `window`: whole again at each window's start. `sliding`: each charge comes back after the period. */
  readonly kind: 'bucket' | 'window' | 'sliding'
  /** What is allowed in `periodMs`. */
  readonly limit: number
  readonly periodMs: number
  /** Of a bucket: what it holds, in ms of its refill. */
  readonly burstMs?: number
  /** The period that headers speak of, if not `periodMs`. */
  readonly reportedPeriodMs?: number
}

export interface ProviderRules {
  readonly limits: readonly LimitRule[]
  /** What it charges for each token that we count. */
  readonly factor?: number
  /** Charges when it has answered, in place of when it admits. */
  readonly chargesAfter?: boolean
  /** Writes its headers when it has answered. */
  readonly stampsAfter?: boolean
  readonly headers?: 'all' | 'none' | 'no-limit' | 'no-reset' | 'remaining' | 'limit'
  /** `reset` in steps of so many ms, rounded up. */
  readonly resetStepMs?: number
  readonly retryAfter?: 'ms' | 'seconds' | 'none'
  /** Share of calls that it refuses whatever the pace. */
  readonly refusesAtRandom?: number
}

interface Counter {
  readonly rule: LimitRule
  readonly remaining: (nowMs: number) => number
  readonly charge: (amount: number, nowMs: number) => void
  /** Until `amount` remains. */
  readonly waitMs: (amount: number, nowMs: number) => number
  readonly resetMs: (nowMs: number) => number
  /** The most it could have admitted from its start on. */
  readonly capacity: (nowMs: number) => number
}

function createCounter(rule: LimitRule, startMs: number): Counter {
  const rate = rule.limit / rule.periodMs
  if (rule.kind === 'bucket') {
    const cap = Math.max(1, rate * (rule.burstMs ?? rule.periodMs))
    let level = cap
    let atMs = startMs
    const settle = (nowMs: number) => {
      level = Math.min(cap, level + rate * Math.max(0, nowMs - atMs))
      atMs = Math.max(atMs, nowMs)
      return level
    }
    return {
      rule,
      remaining: settle,
      charge(amount, nowMs) {
        level = settle(nowMs) - amount
      },
      waitMs: (amount, nowMs) => Math.max(0, (Math.min(amount, cap) - settle(nowMs)) / rate),
      resetMs: (nowMs) => (cap - settle(nowMs)) / rate,
      capacity: (nowMs) => cap + rate * (nowMs - startMs),
    }
  }
  if (rule.kind === 'window') {
    // Windows begin on the clock, as those of most providers do, so the first is cut short.
    const windowOf = (nowMs: number) => Math.floor(nowMs / rule.periodMs)
    let window = windowOf(startMs)
    let left = rule.limit
    const settle = (nowMs: number) => {
      if (windowOf(nowMs) > window) left = rule.limit
      window = Math.max(window, windowOf(nowMs))
      return left
    }
    const untilEnd = (nowMs: number) => (windowOf(nowMs) + 1) * rule.periodMs - nowMs
    return {
      rule,
      remaining: settle,
      charge(amount, nowMs) {
        left = settle(nowMs) - amount
      },
      waitMs: (amount, nowMs) => (settle(nowMs) >= amount ? 0 : untilEnd(nowMs)),
      resetMs: untilEnd,
      capacity: (nowMs) => rule.limit * (windowOf(nowMs) - windowOf(startMs) + 1),
    }
  }
  const charges: { atMs: number; amount: number }[] = []
  let used = 0
  const settle = (nowMs: number) => {
    while (charges[0] !== undefined && charges[0].atMs <= nowMs - rule.periodMs) used -= charges.shift()!.amount
    return rule.limit - used
  }
  return {
    rule,
    remaining: settle,
    charge(amount, nowMs) {
      charges.push({ atMs: nowMs, amount })
      used += amount
    },
    waitMs(amount, nowMs) {
      let left = settle(nowMs)
      for (const charge of charges) {
        if (left >= amount) break
        left += charge.amount
        if (left >= amount) return charge.atMs + rule.periodMs - nowMs
      }
      return 0
    },
    resetMs: (nowMs) => (settle(nowMs) === rule.limit ? 0 : charges.at(-1)!.atMs + rule.periodMs - nowMs),
    capacity: (nowMs) => rule.limit * (1 + Math.floor((nowMs - 500 - startMs) / rule.periodMs)),
  }
}

/** A provider that this project's simulator knows nothing of: it enforces its rules strictly, and tells what its rules say. */
export interface VirtualProvider extends LaneProvider {
  change(rules: ProviderRules, nowMs: number): void
  readonly admitted: { requests: number; tokens: number }
  /** Used of what the limits would have admitted until now: the limit that is used most. */
  used(nowMs: number): number
}

export function createProvider(initial: ProviderRules, startMs: number): VirtualProvider {
  const random = createRandom(7)
  let rules = initial
  let counters = rules.limits.map((rule) => createCounter(rule, startMs))
  const admitted = { requests: 0, tokens: 0 }
  const charged = { requests: 0, tokens: 0 }
  /** Of limits that no longer hold. */
  let before = { requests: 0, tokens: 0 }
  const charge = (tokens: number, nowMs: number) => {
    for (const counter of counters) {
      const amount = counter.rule.unit === 'requests' ? 1 : tokens * (rules.factor ?? 1)
      counter.charge(amount, nowMs)
    }
    charged.requests += 1
    charged.tokens += tokens * (rules.factor ?? 1)
  }
  const headers = (nowMs: number): LimitSample | null => {
    const { headers: family = 'all' } = rules
    if (family === 'none') return null
    return counters.map((counter) => reported(counter, family, rules.resetStepMs ?? 1, nowMs))
  }
  return {
    admitted,
    get writtenAt() {
      return rules.stampsAfter ? ('answer' as const) : ('admission' as const)
    },
    change(next, nowMs) {
      before = { ...charged }
      rules = next
      counters = rules.limits.map((rule) => createCounter(rule, nowMs))
    },
    arrive(tokens, nowMs) {
      if (random() < (rules.refusesAtRandom ?? 0)) return { limits: null, retryAfterMs: null, scope: null }
      let waitMs = 0
      let scope: 'requests' | 'tokens' | null = null
      for (const counter of counters) {
        const amount = counter.rule.unit === 'requests' ? 1 : rules.chargesAfter ? 1 : tokens * (rules.factor ?? 1)
        const ms = counter.waitMs(amount, nowMs)
        if (ms > waitMs) [waitMs, scope] = [ms, counter.rule.unit]
      }
      if (waitMs <= 0) {
        if (!rules.chargesAfter) charge(tokens, nowMs)
        admitted.requests += 1
        admitted.tokens += tokens
        return null
      }
      const { retryAfter = 'ms' } = rules
      const asked = retryAfter === 'ms' ? Math.ceil(waitMs) : Math.ceil(waitMs / 1_000) * 1_000
      return {
        limits: headers(nowMs),
        retryAfterMs: retryAfter === 'none' ? null : asked,
        scope: rules.headers === 'none' ? null : scope,
      }
    },
    headers,
    finish(tokens, nowMs) {
      if (rules.chargesAfter) charge(tokens, nowMs)
    },
    used(nowMs) {
      const shares = counters.map(({ rule, capacity }) => (charged[rule.unit] - before[rule.unit]) / capacity(nowMs))
      return Math.max(...shares)
    },
  }
}

function reported(
  counter: Counter,
  headers: NonNullable<ProviderRules['headers']>,
  stepMs: number,
  nowMs: number,
): ReportedLimit {
  const { rule } = counter
  const perReported = (rule.reportedPeriodMs ?? rule.periodMs) / rule.periodMs
  const has = (what: 'limit' | 'remaining' | 'reset') =>
    headers === 'all' ||
    (headers === 'no-limit' && what !== 'limit') ||
    (headers === 'no-reset' && what !== 'reset') ||
    headers === what
  return {
    name: rule.unit,
    unit: rule.unit,
    limit: has('limit') ? Math.round(rule.limit * perReported) : null,
    remaining: has('remaining') ? Math.max(0, Math.floor(counter.remaining(nowMs))) : null,
    resetMs: has('reset') ? Math.ceil(counter.resetMs(nowMs) / stepMs) * stepMs : null,
    resetStepMs: stepMs,
    periodMs: null,
  }
}
