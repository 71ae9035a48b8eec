/** Items per second: the median of recent rates, and the rate that one tenth of them were slower than. */
interface Rates {
  readonly p50: number
  readonly p10: number
}

/** Each sample is the mean rate over at least this time, so that bursts do not count as speed. */
const sampleMs = 1_000
const samplesKept = 60

export interface RateMeter {
  /** `done`: all items done so far; `moving`: false while the batch is paused, which must not count as slow. Time in ms. */
  add(nowMs: number, done: number, moving: boolean): Rates
}

export function createRateMeter(): RateMeter {
  let from: { at: number; done: number } | undefined
  let rates: number[] = []

  return {
    add(nowMs, done, moving) {
      if (!moving || from === undefined || done < from.done) {
        from = { at: nowMs, done }
      } else if (nowMs - from.at >= sampleMs) {
        rates = [...rates.slice(1 - samplesKept), ((done - from.done) * 1000) / (nowMs - from.at)]
        from = { at: nowMs, done }
      }
      const sorted = rates.toSorted((a, b) => a - b)
      const p50 = sorted[Math.floor(sorted.length / 2)] ?? 0
      const mean = rates.reduce((sum, rate) => sum + rate, 0) / Math.max(1, rates.length)
      // Slow lanes finish no item in most seconds. Then only the mean is useful.
      return p50 > 0 ? { p50, p10: sorted[Math.floor(sorted.length / 10)] || mean / 2 } : { p50: mean, p10: mean / 2 }
    },
  }
}
