import { logNormal } from './random.ts'

export interface LatencySettings {
  readonly p50Ms: number
  /** Sigma of the log-normal distribution. */
  readonly spread: number
}

export interface Latency {
  set(settings: LatencySettings): void
  readonly settings: LatencySettings
  /** Milliseconds of the next call. */
  next(inFlight: number): number
}

/** With more than `capacity` calls in flight each takes proportionally longer, as on shared hardware that refuses nothing. */
export function createLatency(random: () => number, initial: LatencySettings, capacity: number | null): Latency {
  let settings = initial
  return {
    set(next) {
      settings = next
    },
    get settings() {
      return settings
    },
    next: (inFlight) =>
      logNormal(settings.p50Ms, settings.spread, random) * (capacity === null ? 1 : Math.max(1, inFlight / capacity)),
  }
}
