/** Items a second: the median of the rates seen lately, and the rate that one in ten was slower than. */
export interface Rates {
  readonly p50: number
  readonly p10: number
}

/** Each sample is the mean rate of a stretch of at least this long, so that bursts do not count as speed. */
const stretchMs = 1_000
const samplesKept = 60

export interface RateMeter {
  /** `done`: items done in all; `moving`: false while paused, which is no slowness. Time in ms. */
  add(nowMs: number, done: number, moving: boolean): Rates
}

export function createRateMeter(): RateMeter {
  let from: { at: number; done: number } | undefined
  let rates: number[] = []

  return {
    add(nowMs, done, moving) {
      if (!moving || from === undefined || done < from.done) {
        from = { at: nowMs, done }
      } else if (nowMs - from.at >= stretchMs) {
        rates = [...rates.slice(1 - samplesKept), ((done - from.done) * 1000) / (nowMs - from.at)]
        from = { at: nowMs, done }
      }
      const sorted = rates.toSorted((a, b) => a - b)
      const p50 = sorted[Math.floor(sorted.length / 2)] ?? 0
      const mean = rates.reduce((sum, rate) => sum + rate, 0) / Math.max(1, rates.length)
      // Slow lanes finish no item in most seconds: then only the mean says anything.
      return p50 > 0 ? { p50, p10: sorted[Math.floor(sorted.length / 10)] || mean / 2 } : { p50: mean, p10: mean / 2 }
    },
  }
}
