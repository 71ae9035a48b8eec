import type { ResponseHeaders } from './http-pool.ts'

/** From here on a number is no duration but an instant: unix seconds (from 2001), or unix milliseconds. */
const epochS = 1e9
export const epochMs = 1e12

/** A duration in seconds, or an instant; in ms from now. */
export function msFromSeconds(number: number, nowMs: number): number {
  if (number < epochS) return number * 1_000
  return Math.max(0, (number < epochMs ? number * 1_000 : number) - nowMs)
}

export function notNegative(text: string | null | undefined): number | null {
  if (text === undefined || text === null || text.trim() === '') return null
  // Some write a list: the limit first, then its policies (`100, 100;w=60`).
  const number = Number(text.split(/[,;]/)[0])
  return Number.isFinite(number) && number >= 0 ? number : null
}

/** An instant is by the provider's clock: that of its `date`, unless it agrees with ours. */
export function providerClock(headers: ResponseHeaders, nowMs: number): number {
  const date = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(date) || Math.abs(date - nowMs) < 2_000 ? nowMs : date
}

/**
 * How long a refusal asks to wait, in ms: `retry-after-ms`, or `retry-after` in seconds, as an HTTP date (RFC 9110, 10.2.3) or as a unix
 * time. Azure wrote `x-rate-limit-reset-tokens` for a while in place of it (openai/openai-python#937).
 */
export function readRetryAfter(headers: ResponseHeaders, nowMs: number = Date.now()): number | null {
  const ms = notNegative(headers.get('retry-after-ms'))
  if (ms !== null) return ms < epochMs ? ms : Math.max(0, ms - nowMs)
  const text = headers.get('retry-after') ?? headers.get('x-rate-limit-reset-tokens')
  if (text === null) return null
  const seconds = notNegative(text)
  if (seconds !== null && /^[\d.\s]+$/.test(text)) return msFromSeconds(seconds, nowMs)
  // Date.parse also accepts `-3`.
  const instant = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(instant) ? null : Math.max(0, instant - providerClock(headers, nowMs))
}
