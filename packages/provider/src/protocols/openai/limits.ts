import { msFromSeconds, notNegative } from '../../retry-after.ts'
import type { LimitSample } from '@sluice/contract/outcome'

/**
 * The limits in the headers of a response (OpenAI, "Rate limits in headers"). A field is null if its header is missing or unusable: some
 * providers send -1 or 0 as the limit. Null as a whole if there is no usable limit.
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

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
}

/** A Go duration (`12ms`, `1s`, `6m0s`), plain seconds, or an instant (RFC 3339, unix seconds or milliseconds); in ms from now. */
export function parseReset(text: string | null, nowMs: number): number | null {
  if (text === null || text.trim() === '') return null
  const trimmed = text.trim()
  if (/^\d+(\.\d+)?$/.test(trimmed)) return msFromSeconds(Number(trimmed), nowMs)
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
