import type { LimitSample } from '@sluice/contract/outcome'

/**
 * The limit as the headers of an answer tell it (OpenAI, "Rate limits in headers"). Null for what is missing or says nothing:
 * some providers send -1 or 0 as the limit. Null altogether when no header is of use.
 */
export function readLimits(headers: Headers, nowMs: number = Date.now()): LimitSample | null {
  const sample: LimitSample = {
    limitRequests: positive(headers.get('x-ratelimit-limit-requests')),
    remainingRequests: notNegative(headers.get('x-ratelimit-remaining-requests')),
    resetRequestsMs: parseReset(headers.get('x-ratelimit-reset-requests'), nowMs),
    limitTokens: positive(headers.get('x-ratelimit-limit-tokens')),
    remainingTokens: notNegative(headers.get('x-ratelimit-remaining-tokens')),
    resetTokensMs: parseReset(headers.get('x-ratelimit-reset-tokens'), nowMs),
  }
  return sample.limitRequests === null && sample.limitTokens === null ? null : sample
}

function positive(text: string | null): number | null {
  const number = notNegative(text)
  return number === 0 ? null : number
}

function notNegative(text: string | null): number | null {
  if (text === null || text.trim() === '') return null
  const number = Number(text)
  return Number.isFinite(number) && number >= 0 ? number : null
}

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
}

/** Numbers from here on are no waits but instants, as unix seconds (2001) or unix milliseconds: some providers send those. */
const epochS = 1e9
const epochMs = 1e12

/** Seconds, or the instant that some send instead; in ms from now. */
function fromSeconds(number: number, nowMs: number): number {
  if (number < epochS) return number * 1_000
  return Math.max(0, (number < epochMs ? number * 1_000 : number) - nowMs)
}

/** A Go duration (`12ms`, `1s`, `6m0s`), plain seconds, or an instant (RFC 3339, unix seconds or milliseconds); in ms from now. */
export function parseReset(text: string | null, nowMs: number): number | null {
  if (text === null || text.trim() === '') return null
  const trimmed = text.trim()
  if (/^\d+(\.\d+)?$/.test(trimmed)) return fromSeconds(Number(trimmed), nowMs)
  if (/^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$/.test(trimmed)) {
    return [...trimmed.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)].reduce(
      (sum, [, number, unit]) => sum + Number(number) * (unitMs[unit ?? ''] ?? 0),
      0,
    )
  }
  if (!/^\d{4}-\d{2}-\d{2}T/.test(trimmed)) return null
  const instant = Date.parse(trimmed)
  return Number.isNaN(instant) ? null : Math.max(0, instant - nowMs)
}

/** How long a refusal asks to wait, in ms: `retry-after-ms`, or `retry-after` in seconds, as an HTTP date (RFC 9110, 10.2.3) or as a unix time. */
export function readRetryAfter(headers: Headers, nowMs: number = Date.now()): number | null {
  const ms = notNegative(headers.get('retry-after-ms'))
  if (ms !== null) return ms < epochMs ? ms : Math.max(0, ms - nowMs)
  const text = headers.get('retry-after')
  if (text === null) return null
  const seconds = notNegative(text)
  if (seconds !== null) return fromSeconds(seconds, nowMs)
  // Date.parse makes a date of `-3`, too.
  const instant = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(instant) ? null : Math.max(0, instant - nowMs)
}
