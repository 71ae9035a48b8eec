const minuteMs = 60_000
/** A limit of a minute is whole again after a minute at the latest; the rest is for rounding. */
const mostResetMs = 65_000
/** A bucket may be overdrawn by a few minutes' worth, no more. */
const longFromMs = 10 * minuteMs

/**
 * The period of a limit in ms, as far as one answer tells it: what is used comes back in `resetMs`, little by little (a bucket) or at once
 * (a fixed window). Null when it may be a minute or longer, as when little is used.
 */
export function toldPeriodMs(limit: number, remaining: number, resetMs: number | null): number | null {
  const used = limit - remaining
  if (resetMs === null || used <= 0) return null
  const periodMs = (resetMs * limit) / used
  if (resetMs > mostResetMs && periodMs > longFromMs) return periodMs
  return used > limit / 10 && resetMs <= mostResetMs ? minuteMs : null
}
