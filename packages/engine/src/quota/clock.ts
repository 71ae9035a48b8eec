/** The time of a process and its timers, so that a test can run hours of them in seconds. */
export interface Clock {
  /** In ms, from any instant; never goes back. */
  now(): number
  /** Calls `act` after so many ms; what is returned cancels it. */
  after(ms: number, act: () => void): () => void
  /** From 0 up to 1: spreads the processes over time. */
  random(): number
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
  random: Math.random,
}
