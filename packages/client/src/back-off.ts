const firstMs = 100
const mostMs = 5_000

/** Doubles with each attempt (from 0) up to 5 s; half of it is random, so that many clients do not retry at the same time. */
export function backOffMs(attempt: number, random: () => number = Math.random): number {
  return Math.min(mostMs, firstMs * 2 ** attempt) * (0.5 + random() / 2)
}

/** Rejects with the signal's reason when it aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const aborted = () => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }, ms)
    signal?.addEventListener('abort', aborted, { once: true })
  })
}
