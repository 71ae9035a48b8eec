/** Characters of pages that readers hold at once while they write them. Each is held up to four times: as stored, parsed, and twice as text. */
const mostHeld = 16 * 1_048_576
/** Once a reader has waited for `patienceMs`: a few clients that read slowly must not keep all others waiting. */
const mostHeldWithSlow = 2 * mostHeld
const patienceMs = 5_000
/** Smaller pages do not count and never wait: of 128 KB each, hundreds fit. */
const smallPage = 524_288

/**
 * Bounds the memory of pages with large results, whatever the number of readers: 20 readers of results of 5 MB took 400 MB, and 100 would
 * have ended the process. Readers wait in the order in which they came; a slow one is cut after its time, as any reader is.
 */
export interface HeldPages {
  /** Null when there is no room now. */
  tryHold(length: number): Disposable | null
  /** Resolves when there is room, and to null when `signal` aborts. */
  hold(length: number, signal: AbortSignal): Promise<Disposable | null>
}

export function createHeldPages(): HeldPages {
  let held = 0
  const waiting = new Set<() => void>()
  // One that is larger than all the room gets it when nobody else holds any.
  const fits = (length: number, most: number) => held === 0 || held + length <= most

  const take = (length: number): Disposable => {
    let isHeld = true
    held += length
    return {
      [Symbol.dispose]() {
        if (!isHeld) return
        isHeld = false
        held -= length
        for (const retry of waiting) retry()
      },
    }
  }

  return {
    tryHold(length) {
      if (length <= smallPage) return take(0)
      return waiting.size === 0 && fits(length, mostHeld) ? take(length) : null
    },
    hold(length, signal) {
      const { promise, resolve } = Promise.withResolvers<Disposable | null>()
      let most = mostHeld
      const settle = (end: Disposable | null) => {
        waiting.delete(retry)
        clearTimeout(patience)
        signal.removeEventListener('abort', leave)
        resolve(end)
      }
      const leave = () => {
        settle(null)
        // The one that came after it may fit.
        for (const other of waiting) other()
      }
      const retry = () => {
        const [first] = waiting
        if (first === retry && fits(length, most)) settle(take(length))
      }
      if (signal.aborted) return Promise.resolve(null)
      const patience = setTimeout(() => {
        most = mostHeldWithSlow
        retry()
      }, patienceMs)
      waiting.add(retry)
      signal.addEventListener('abort', leave, { once: true })
      retry()
      return promise
    },
  }
}
