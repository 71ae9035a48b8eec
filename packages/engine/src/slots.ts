/** Room for calls in flight, first come first served. */
export interface Slots {
  /** Resolves when there is room; give it back by disposing. Rejects with the signal's reason when that aborts first. */
  take(signal: AbortSignal): Promise<Disposable>
}

export function createSlots(count: number): Slots {
  let free = count
  const waiting = new Set<() => void>()

  const give = () => {
    free += 1
    const [next] = waiting
    if (next === undefined) return
    waiting.delete(next)
    next()
  }
  const slot = (): Disposable => {
    free -= 1
    let held = true
    return {
      [Symbol.dispose]() {
        if (held) give()
        held = false
      },
    }
  }

  return {
    async take(signal) {
      signal.throwIfAborted()
      if (free > 0) return slot()
      return new Promise((resolve, reject) => {
        const start = () => {
          signal.removeEventListener('abort', abort)
          resolve(slot())
        }
        const abort = () => {
          waiting.delete(start)
          reject(signal.reason as Error)
        }
        waiting.add(start)
        signal.addEventListener('abort', abort, { once: true })
      })
    },
  }
}
