/** A token bucket that refills continuously, as OpenAI describes its limits. `now` in ms, from a monotonic clock. */
export interface Bucket {
  readonly limitPerMinute: number
  readonly capacity: number
  /** Its current content. */
  remaining(now: number): number
  take(amount: number, now: number): void
  /** Milliseconds until it holds `amount`; Infinity for more than it can hold. */
  waitFor(amount: number, now: number): number
  /** Milliseconds until it is full. */
  resetMs(now: number): number
}

/** `burstS`: how many seconds of refill it holds. It holds at least one unit, because otherwise no call would ever be admitted. */
export function createBucket(limitPerMinute: number, burstS: number, now: number): Bucket {
  const perMs = limitPerMinute / 60_000
  const capacity = Math.max(1, (limitPerMinute / 60) * burstS)
  let level = capacity
  let at = now
  const settle = (time: number) => {
    level = Math.min(capacity, level + Math.max(0, time - at) * perMs)
    at = time
    return level
  }
  return {
    limitPerMinute,
    capacity,
    remaining: settle,
    take(amount, time) {
      level = settle(time) - amount
    },
    waitFor: (amount, time) =>
      amount > capacity ? Number.POSITIVE_INFINITY : Math.max(0, (amount - settle(time)) / perMs),
    resetMs: (time) => (capacity - settle(time)) / perMs,
  }
}

/** A limit in fixed windows: it is full again when a window starts. Windows start at whole multiples of their length. */
export function createFixedWindow(limitPerMinute: number, windowS: number, now: number, wallClock = Date.now): Bucket {
  const windowMs = windowS * 1_000
  const capacity = Math.max(1, (limitPerMinute / 60) * windowS)
  const offset = wallClock() - now
  const windowOf = (time: number) => Math.floor((time + offset) / windowMs)
  let window = windowOf(now)
  let level = capacity
  const settle = (time: number) => {
    if (windowOf(time) > window) level = capacity
    window = windowOf(time)
    return level
  }
  const untilEnd = (time: number) => (windowOf(time) + 1) * windowMs - offset - time
  return {
    // If the header names a window, the value is that of the window.
    limitPerMinute: capacity,
    capacity,
    remaining: settle,
    take(amount, time) {
      level = settle(time) - amount
    },
    waitFor: (amount, time) =>
      amount > capacity ? Number.POSITIVE_INFINITY : settle(time) >= amount ? 0 : untilEnd(time),
    resetMs: untilEnd,
  }
}

/** A Go duration, as OpenAI's reset headers have it: `12ms`, `1.5s`, `6m0s`. */
export function formatGoDuration(ms: number): string {
  if (ms <= 0) return '0s'
  if (ms < 1_000) return `${Math.max(1, Math.round(ms))}ms`
  const seconds = Math.round(ms) / 1_000
  if (seconds < 60) return `${Number(seconds.toFixed(3))}s`
  const minutes = Math.floor(seconds / 60)
  const rest = Number((seconds - minutes * 60).toFixed(3))
  return minutes < 60 ? `${minutes}m${rest}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}s`
}
