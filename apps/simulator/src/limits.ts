import { type Bucket, createBucket, formatGoDuration } from './buckets.ts'
import type { ApiError } from './errors.ts'

export interface LimitSettings {
  /** Null for no limit. */
  readonly rpm: number | null
  readonly tpm: number | null
  /** Seconds of refill that the buckets hold. */
  readonly burstS: number
}

export interface Limits {
  set(settings: LimitSettings, now: number): void
  readonly settings: LimitSettings
  /** Null when there is room for the call; nothing is taken. */
  refusal(model: string, tokens: number, now: number): ApiError | null
  take(tokens: number, now: number): void
  /** `x-ratelimit-*` as they stand now. */
  headers(now: number): Record<string, string>
}

/** The most tokens an answer may have are reserved, or the prompt where it is longer (reported of OpenAI). */
export function tokensReserved(promptTokens: number, maxTokens: number | null): number {
  return Math.max(promptTokens, maxTokens ?? 0)
}

/** Request and token buckets; a set of limits starts with full ones. */
export function createLimits(initial: LimitSettings, headersOn: boolean, startedAt: number): Limits {
  let settings = initial
  let requests: Bucket | null = null
  let tokens: Bucket | null = null
  const limits: Limits = {
    set(next, now) {
      settings = next
      requests = next.rpm === null ? null : createBucket(next.rpm, next.burstS, now)
      tokens = next.tpm === null ? null : createBucket(next.tpm, next.burstS, now)
    },
    get settings() {
      return settings
    },
    refusal(model, amount, now) {
      if (tokens !== null && amount > tokens.limitPerMinute) return tooLarge(model, tokens.limitPerMinute, amount)
      const forRequest = requests?.waitFor(1, now) ?? 0
      // More than a short bucket holds goes through when it is full, and is paid off after.
      const forTokens = tokens?.waitFor(Math.min(amount, tokens.capacity), now) ?? 0
      if (forRequest <= 0 && forTokens <= 0) return null
      return forRequest >= forTokens
        ? reached(model, 'requests', requests!, 1, forRequest, now)
        : reached(model, 'tokens', tokens!, amount, forTokens, now)
    },
    take(amount, now) {
      requests?.take(1, now)
      tokens?.take(amount, now)
    },
    headers(now) {
      const headers: Record<string, string> = {}
      if (!headersOn) return headers
      if (requests !== null) addHeaders(headers, 'requests', requests, now)
      if (tokens !== null) addHeaders(headers, 'tokens', tokens, now)
      return headers
    },
  }
  limits.set(initial, startedAt)
  return limits
}

function addHeaders(headers: Record<string, string>, what: 'requests' | 'tokens', bucket: Bucket, now: number): void {
  headers[`x-ratelimit-limit-${what}`] = String(Math.round(bucket.limitPerMinute))
  headers[`x-ratelimit-remaining-${what}`] = String(Math.max(0, Math.floor(bucket.remaining(now))))
  headers[`x-ratelimit-reset-${what}`] = formatGoDuration(bucket.resetMs(now))
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

/** Wait and it will pass. `detail` goes between the model and the time to wait. */
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

/** Never fits, however long one waits. */
export function tooLarge(model: string, limit: number, requested: number): ApiError {
  return {
    status: 429,
    message: `Request too large for ${model} on ${names.tokens}: Limit ${Math.round(limit)}, Requested ${requested}. The input or output tokens must be reduced in order to run successfully.`,
    type: 'tokens',
    param: null,
    code: 'rate_limit_exceeded',
  }
}
