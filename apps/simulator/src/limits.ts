import { type Bucket, createBucket, createFixedWindow, formatGoDuration } from './buckets.ts'
import type { ApiError } from './errors.ts'
import { type HeaderFamily, limitHeaders } from './limit-headers.ts'

export interface LimitSettings {
  /** Null for no limit. */
  readonly rpm: number | null
  readonly tpm: number | null
  /** Seconds of refill that the buckets hold. */
  readonly burstS: number
  /** Length of a fixed window in seconds, in place of a bucket; null: a bucket. */
  readonly windowS: number | null
  /** Tokens are charged when a call is admitted, or when it is answered. */
  readonly charge: 'admission' | 'answer'
  /** What is charged for each token. */
  readonly factor: number
  readonly headers: HeaderFamily
  /** How a refusal says when to retry. */
  readonly retryAfter: 'ms' | 'seconds' | 'none'
}

export const defaultLimits: LimitSettings = {
  rpm: null,
  tpm: null,
  burstS: 60,
  windowS: null,
  charge: 'admission',
  factor: 1,
  headers: 'openai',
  retryAfter: 'ms',
}

export interface Limits {
  /** For one model, or for all models without separate limits. Resets what was used. */
  set(settings: LimitSettings, now: number, model?: string): void
  readonly settings: LimitSettings
  /** Null when there is room for the call; nothing is taken. */
  refusal(model: string, tokens: number, now: number): ApiError | null
  take(model: string, tokens: number, now: number): void
  /** The call has been answered. */
  answered(model: string, tokens: number, now: number): void
  /** Their current values. */
  headers(model: string, now: number): Record<string, string>
}

interface ModelLimits {
  readonly settings: LimitSettings
  readonly requests: Bucket | null
  readonly tokens: Bucket | null
}

/** Reserves the most tokens that the answer may have, or those of the prompt if it is longer (as reported about OpenAI). */
export function tokensReserved(promptTokens: number, maxTokens: number | null): number {
  return Math.max(promptTokens, maxTokens ?? 0)
}

/** Each model has separate limits, which start unused. */
export function createLimits(initial: LimitSettings, startedAt: number): Limits {
  let settings = initial
  const own = new Map<string, LimitSettings>()
  const counted = new Map<string, ModelLimits>()
  const of = (model: string, now: number): ModelLimits => {
    const before = counted.get(model)
    if (before !== undefined) return before
    const made = countLimits(own.get(model) ?? settings, now)
    counted.set(model, made)
    return made
  }
  let setAt = startedAt
  return {
    set(next, now, model) {
      setAt = now
      if (model === undefined) {
        settings = next
        own.clear()
        counted.clear()
      } else {
        own.set(model, next)
        counted.delete(model)
      }
    },
    get settings() {
      return settings
    },
    refusal(model, amount, now) {
      const { settings: rules, requests, tokens } = of(model, setAt)
      const charged = rules.charge === 'answer' ? 1 : amount * rules.factor
      if (tokens !== null && charged > tokens.limitPerMinute) return tooLarge(model, tokens.limitPerMinute, charged)
      const forRequest = requests?.waitFor(1, now) ?? 0
      // A call that needs more than a short bucket holds is admitted when the bucket is full, and is paid off afterwards.
      const forTokens = tokens?.waitFor(Math.min(charged, tokens.capacity), now) ?? 0
      if (forRequest <= 0 && forTokens <= 0) return null
      const error =
        forRequest >= forTokens
          ? reached(model, 'requests', requests!, 1, forRequest, now)
          : reached(model, 'tokens', tokens!, charged, forTokens, now)
      return withRetryAfter(error, rules.retryAfter)
    },
    take(model, amount, now) {
      const { settings: rules, requests, tokens } = of(model, setAt)
      requests?.take(1, now)
      if (rules.charge === 'admission') tokens?.take(amount * rules.factor, now)
    },
    answered(model, amount, now) {
      const { settings: rules, tokens } = of(model, setAt)
      if (rules.charge === 'answer') tokens?.take(amount * rules.factor, now)
    },
    headers(model, now) {
      const limits = of(model, setAt)
      return limitHeaders(limits.settings.headers, limits, now)
    },
  }
}

function countLimits(settings: LimitSettings, now: number): ModelLimits {
  const { rpm, tpm, burstS, windowS } = settings
  const count = (perMinute: number | null) => {
    if (perMinute === null) return null
    return windowS === null ? createBucket(perMinute, burstS, now) : createFixedWindow(perMinute, windowS, now)
  }
  return { settings, requests: count(rpm), tokens: count(tpm) }
}

function withRetryAfter(error: ApiError, style: LimitSettings['retryAfter']): ApiError {
  const { 'retry-after': seconds = '1', ...headers } = error.headers ?? {}
  if (style === 'ms') return error
  const { 'retry-after-ms': _ms, ...others } = headers
  return { ...error, headers: style === 'none' ? others : { ...others, 'retry-after': seconds } }
}

const names = { requests: 'requests per min (RPM)', tokens: 'tokens per min (TPM)' }

function reached(
  model: string,
  what: 'requests' | 'tokens',
  bucket: Bucket,
  requested: number,
  waitMs: number,
  now: number,
): ApiError {
  const used = Math.max(0, Math.ceil(bucket.capacity - bucket.remaining(now)))
  const numbers = `Limit ${Math.round(bucket.limitPerMinute)}, Used ${used}, Requested ${requested}`
  return rateLimited(model, what, waitMs, ` on ${names[what]}: ${numbers}`)
}

/** A limit that passes. `detail` is between the model and the time to wait. */
export function rateLimited(model: string, type: 'requests' | 'tokens', waitMs: number, detail = ''): ApiError {
  const ms = Math.ceil(waitMs)
  return {
    status: 429,
    message: `Rate limit reached for ${model}${detail}. Please try again in ${formatGoDuration(ms)}.`,
    type,
    param: null,
    code: 'rate_limit_exceeded',
    headers: { 'retry-after': String(Math.ceil(ms / 1_000)), 'retry-after-ms': String(ms) },
  }
}

/** A call that never fits into the limit. */
export function tooLarge(model: string, limit: number, requested: number): ApiError {
  return {
    status: 429,
    message: `Request too large for ${model} on ${names.tokens}: Limit ${Math.round(limit)}, Requested ${requested}. The input or output tokens must be reduced in order to run successfully.`,
    type: 'tokens',
    param: null,
    code: 'rate_limit_exceeded',
  }
}
