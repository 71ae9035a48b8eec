/** Larger numbers are not durations but instants, which some providers send: unix seconds (2001), or unix milliseconds. */
const epochS = 1e9
const epochMs = 1e12

/** A duration in seconds, or an instant; in ms from now. */
export function msFromSeconds(number: number, nowMs: number): number {
  if (number < epochS) return number * 1_000
  return Math.max(0, (number < epochMs ? number * 1_000 : number) - nowMs)
}

export function notNegative(text: string | null): number | null {
  if (text === null || text.trim() === '') return null
  const number = Number(text)
  return Number.isFinite(number) && number >= 0 ? number : null
}

/** How long a response asks to wait, in ms: `retry-after-ms`, or `retry-after` in seconds, as an HTTP date (RFC 9110, 10.2.3) or as a unix time. */
export function readRetryAfter(headers: Headers, nowMs: number = Date.now()): number | null {
  const ms = notNegative(headers.get('retry-after-ms'))
  if (ms !== null) return ms < epochMs ? ms : Math.max(0, ms - nowMs)
  const text = headers.get('retry-after')
  if (text === null) return null
  const seconds = notNegative(text)
  if (seconds !== null) return msFromSeconds(seconds, nowMs)
  // Date.parse also accepts `-3`.
  const instant = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(instant) ? null : Math.max(0, instant - nowMs)
}
