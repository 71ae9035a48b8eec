import { readLimits } from '../../../provider/src/protocols/openai/limits.ts'
import { readRetryAfter } from '../../../provider/src/retry-after.ts'
import type { LaneProvider } from './lane-provider.ts'

/** How one limit is counted. Amounts are in the provider's units. */
interface StrictLimit {
  readonly unit: 'requests' | 'tokens'
  readonly shape: 'bucket' | 'window' | 'window from the first call' | 'sliding'
  readonly perPeriod: number
  readonly periodMs: number
  /** What a bucket holds, in ms of its refill. */
  readonly holdsMs: number
}

export interface StrictRules {
  readonly limits: readonly StrictLimit[]
  /** `estimate`: a multiple of the final charge when it admits, corrected when it has answered. */
  readonly charges: 'at admission' | 'at the answer' | 'an estimate first'
  /** Of a token that we count. */
  readonly tokenFactor: number
  /** Sigma of the factor from call to call. */
  readonly factorSpread: number
  readonly chargesRefusals: boolean
  readonly headers: 'openai' | 'openai seconds' | 'unix time' | 'anthropic' | 'ietf' | 'ietf policy' | 'none'
  readonly parts: readonly ('limit' | 'remaining' | 'reset')[]
  readonly onRefusalsOnly: boolean
  readonly writtenAt: 'admission' | 'answer'
  /** What the limit in a header is for; null: the counted period. */
  readonly limitPerMs: number | null
  /** Relative error of `remaining`. */
  readonly jitter: number
  readonly retryAfter: 'ms' | 'seconds' | 'seconds rounded down' | 'none'
  /** At half of the run all limits are multiplied by this. */
  readonly change: number
  /** Share of the limits that another client takes. */
  readonly neighbour: number
}

/** Written from the providers' documents, without a look at the simulator or at `providers.ts`. */
export interface StrictProvider extends LaneProvider {
  /** Our tokens of the calls that it admitted. */
  readonly admitted: number
}

interface Account {
  readonly limit: StrictLimit
  left: (nowMs: number) => number
  take: (amount: number, nowMs: number) => void
  waitMs: (amount: number, nowMs: number) => number
  wholeMs: (nowMs: number) => number
}

function openAccount(limit: StrictLimit, startMs: number): Account {
  switch (limit.shape) {
    case 'bucket':
      return openBucket(limit, startMs)
    case 'window':
    case 'window from the first call':
      return openWindow(limit, startMs)
    case 'sliding':
      return openSliding(limit)
    default:
      return limit.shape satisfies never
  }
}

function openBucket(limit: StrictLimit, startMs: number): Account {
  const perMs = limit.perPeriod / limit.periodMs
  const size = Math.max(1, perMs * limit.holdsMs)
  let debt = 0
  let atMs = startMs
  const pay = (nowMs: number) => {
    debt = Math.max(0, debt - perMs * (nowMs - atMs))
    atMs = nowMs
    return debt
  }
  return {
    limit,
    left: (nowMs) => size - pay(nowMs),
    take(amount, nowMs) {
      pay(nowMs)
      debt = Math.max(0, debt + amount)
    },
    waitMs: (amount, nowMs) => Math.max(0, pay(nowMs) + Math.min(amount, size) - size) / perMs,
    wholeMs: (nowMs) => pay(nowMs) / perMs,
  }
}

function openWindow(limit: StrictLimit, startMs: number): Account {
  const onClock = limit.shape === 'window'
  let beganMs = onClock ? startMs - (startMs % limit.periodMs) : Number.NEGATIVE_INFINITY
  let used = 0
  const turn = (nowMs: number) => {
    if (nowMs < beganMs + limit.periodMs) return
    used = 0
    beganMs = onClock ? nowMs - (nowMs % limit.periodMs) : Number.NEGATIVE_INFINITY
  }
  const untilEnd = (nowMs: number) => Math.max(0, beganMs + limit.periodMs - nowMs)
  return {
    limit,
    left(nowMs) {
      turn(nowMs)
      return limit.perPeriod - used
    },
    take(amount, nowMs) {
      turn(nowMs)
      if (beganMs === Number.NEGATIVE_INFINITY) beganMs = nowMs
      used += amount
    },
    waitMs(amount, nowMs) {
      turn(nowMs)
      return used + Math.min(amount, limit.perPeriod) <= limit.perPeriod ? 0 : untilEnd(nowMs)
    },
    wholeMs(nowMs) {
      turn(nowMs)
      return used === 0 && !onClock ? 0 : untilEnd(nowMs)
    },
  }
}

/** As Cloudflare counts: this window, and the part of the last one that still overlaps. */
function openSliding(limit: StrictLimit): Account {
  const parts = 20
  const partMs = limit.periodMs / parts
  const used = new Map<number, number>()
  const sum = (nowMs: number) => {
    const now = Math.floor(nowMs / partMs)
    let all = 0
    for (const [part, amount] of used) {
      if (part <= now - parts) used.delete(part)
      else all += amount
    }
    return all
  }
  return {
    limit,
    left: (nowMs) => limit.perPeriod - sum(nowMs),
    take(amount, nowMs) {
      const part = Math.floor(nowMs / partMs)
      used.set(part, (used.get(part) ?? 0) + amount)
    },
    waitMs(amount, nowMs) {
      let over = sum(nowMs) + Math.min(amount, limit.perPeriod) - limit.perPeriod
      if (over <= 0) return 0
      for (const [part, one] of [...used].toSorted(([a], [b]) => a - b)) {
        over -= one
        if (over <= 0) return (part + parts) * partMs - nowMs
      }
      return limit.periodMs
    },
    wholeMs(nowMs) {
      if (sum(nowMs) === 0) return 0
      return (Math.max(...used.keys()) + parts) * partMs - nowMs
    },
  }
}

export function createStrictProvider(
  rules: StrictRules,
  { startMs, changeAtMs, random }: { startMs: number; changeAtMs: number; random: () => number },
): StrictProvider {
  let accounts = rules.limits.map((limit) => openAccount(limit, startMs))
  let changed = false
  let neighbourAtMs = startMs
  let admitted = 0
  const factor = () => rules.tokenFactor * Math.exp(rules.factorSpread * (random() + random() + random() - 1.5) * 2)
  const catchUp = (nowMs: number) => {
    if (!changed && rules.change !== 1 && nowMs >= changeAtMs) {
      changed = true
      accounts = rules.limits.map((limit) =>
        openAccount({ ...limit, perPeriod: limit.perPeriod * rules.change }, nowMs),
      )
    }
    if (rules.neighbour > 0 && nowMs - neighbourAtMs > 100) {
      for (const one of accounts) {
        const amount = (rules.neighbour * one.limit.perPeriod * (nowMs - neighbourAtMs)) / one.limit.periodMs
        if (one.waitMs(amount, nowMs) === 0) one.take(amount, nowMs)
      }
      neighbourAtMs = nowMs
    }
  }
  const early = rules.charges === 'at the answer' ? 0 : rules.charges === 'an estimate first' ? 2.5 : 1
  const needs = (one: Account, tokens: number, share: number) =>
    one.limit.unit === 'requests' ? 1 : Math.max(1, tokens * rules.tokenFactor * share)
  const wait = (tokens: number, nowMs: number) => {
    catchUp(nowMs)
    return Math.max(...accounts.map((one) => one.waitMs(needs(one, tokens, early), nowMs)))
  }
  const headers = (nowMs: number) => {
    catchUp(nowMs)
    return readLimits(new Headers(write(rules, accounts, nowMs, random)), nowMs)
  }
  return {
    writtenAt: rules.writtenAt,
    get admitted() {
      return admitted
    },
    headers: (nowMs) => (rules.onRefusalsOnly ? null : headers(nowMs)),
    arrive(tokens, nowMs) {
      const ms = wait(tokens, nowMs)
      if (ms <= 0) {
        admitted += tokens
        for (const one of accounts) {
          if (one.limit.unit === 'requests') one.take(1, nowMs)
          else if (early > 0) one.take(tokens * factor() * early, nowMs)
        }
        return null
      }
      if (rules.chargesRefusals)
        for (const one of accounts) if (one.limit.unit === 'requests' && one.waitMs(1, nowMs) === 0) one.take(1, nowMs)
      const seconds = rules.retryAfter === 'seconds' ? Math.ceil(ms / 1_000) : Math.floor(ms / 1_000)
      const after: Record<string, string> =
        rules.retryAfter === 'none'
          ? {}
          : rules.retryAfter === 'ms'
            ? { 'retry-after-ms': String(Math.ceil(ms)) }
            : { 'retry-after': String(seconds) }
      return { limits: headers(nowMs), retryAfterMs: readRetryAfter(new Headers(after), nowMs), scope: null }
    },
    finish(tokens, nowMs) {
      catchUp(nowMs)
      if (early === 1) return
      for (const one of accounts) if (one.limit.unit === 'tokens') one.take(tokens * factor() * (1 - early), nowMs)
    },
  }
}

function write(
  rules: StrictRules,
  accounts: readonly Account[],
  nowMs: number,
  random: () => number,
): Record<string, string> {
  const all: Record<string, string> = {}
  const has = (part: 'limit' | 'remaining' | 'reset') => rules.parts.includes(part)
  for (const { limit, left, wholeMs } of accounts) {
    const remaining = Math.max(0, Math.floor(left(nowMs) * (1 + rules.jitter * (random() - 0.5) * 2)))
    const stated = Math.round((limit.perPeriod * (rules.limitPerMs ?? limit.periodMs)) / limit.periodMs)
    const ms = wholeMs(nowMs)
    const s = Math.ceil(ms / 1_000)
    const put = (name: (part: string) => string, reset: string) => {
      if (has('limit')) all[name('limit')] = String(stated)
      if (has('remaining')) all[name('remaining')] = String(remaining)
      if (has('reset')) all[name('reset')] = reset
    }
    switch (rules.headers) {
      case 'openai':
        put((part) => `x-ratelimit-${part}-${limit.unit}`, goDuration(ms))
        break
      case 'openai seconds':
        put((part) => `x-ratelimit-${part}-${limit.unit}`, String(s))
        break
      case 'unix time':
        put((part) => `x-ratelimit-${part}-${limit.unit}`, String(Math.ceil((nowMs + ms) / 1_000)))
        break
      case 'anthropic':
        put(
          (part) => `anthropic-ratelimit-${limit.unit}-${part}`,
          new Date(Math.ceil((nowMs + ms) / 1_000) * 1_000).toISOString().replace('.000', ''),
        )
        break
      case 'ietf':
        put((part) => (limit.unit === 'requests' ? `ratelimit-${part}` : `ratelimit-${part}-tokens`), String(s))
        break
      case 'ietf policy': {
        const name = limit.unit === 'requests' ? 'default' : 'tokens'
        const add = (header: string, value: string) =>
          (all[header] = all[header] === undefined ? value : `${all[header]}, ${value}`)
        if (has('remaining')) add('ratelimit', `"${name}";r=${remaining}${has('reset') ? `;t=${s}` : ''}`)
        if (has('limit'))
          add('ratelimit-policy', `"${name}";q=${Math.round(limit.perPeriod)};w=${limit.periodMs / 1_000}`)
        break
      }
      case 'none':
        break
      default:
        rules.headers satisfies never
    }
  }
  return all
}

function goDuration(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`
  const minutes = Math.floor(ms / 60_000)
  const seconds = Math.ceil(ms - minutes * 60_000) / 1_000
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}

/** Any of the kinds that providers are, each with its own share. */
export function randomRules(random: () => number): StrictRules {
  const one = <T>(...all: readonly T[]): T => all[Math.floor(random() * all.length)]!
  const log = (from: number, to: number) => from * Math.exp(random() * Math.log(to / from))
  const perSecond = log(30, 350)
  const meanTokens = 63
  const tokenFactor = random() < 0.4 ? 1 : log(0.1, 5)
  const limitOf = (unit: 'requests' | 'tokens', share: number): StrictLimit => {
    const shape = one('bucket', 'bucket', 'window', 'window from the first call', 'sliding')
    const periodMs = shape === 'bucket' ? 60_000 : one(1_000, 5_000, 10_000)
    const perMs = ((perSecond * share) / 1_000) * (unit === 'requests' ? 1 : meanTokens * tokenFactor)
    return {
      unit,
      shape,
      periodMs,
      perPeriod: Math.round(perMs * periodMs),
      holdsMs: one(500, 1_000, 5_000, 10_000, 60_000),
    }
  }
  const units = one<readonly ('requests' | 'tokens')[]>(
    ['requests'],
    ['requests'],
    ['tokens'],
    ['tokens'],
    ['requests', 'tokens'],
  )
  const headers = one<StrictRules['headers']>(
    'openai',
    'openai',
    'openai seconds',
    'unix time',
    'anthropic',
    'ietf',
    'ietf policy',
    'none',
  )
  const all = ['limit', 'remaining', 'reset'] as const
  return {
    limits: units.map((unit, i) => limitOf(unit, i === 0 ? 1 : log(0.7, 2))),
    charges: one('at admission', 'at admission', 'at admission', 'at the answer', 'an estimate first'),
    tokenFactor,
    factorSpread: one(0, 0, 0.2),
    chargesRefusals: random() < 0.2,
    headers,
    parts: one<StrictRules['parts']>(all, all, all, ['remaining', 'reset'], ['limit', 'remaining'], ['remaining']),
    onRefusalsOnly: random() < 0.08,
    writtenAt: one('admission', 'admission', 'answer'),
    limitPerMs: one(null, 60_000),
    jitter: one(0, 0, 0, 0.02),
    retryAfter: one('ms', 'seconds', 'seconds', 'seconds rounded down', 'none'),
    change: random() < 0.15 ? one(0.25, 3) : 1,
    neighbour: random() < 0.1 ? 0.25 : 0,
  }
}
