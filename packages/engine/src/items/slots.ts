/** Room for calls in flight, first come first served. */
export interface Slots {
  /** Resolves when there is room; give it back by disposing. Rejects with the signal's reason when that aborts first. */
  take(signal: AbortSignal): Promise<Disposable>
  /** Room for so many from now on; of those that are taken, none is taken away. */
  resize(count: number): void
}

export function createSlots(count: number): Slots {
  let size = count
  /** Below zero while more are taken than there is room for. */
  let free = count
  const waiting = new Set<() => void>()

  const give = (freed: number) => {
    free += freed
    for (const next of waiting) {
      if (free <= 0) return
      waiting.delete(next)
      next()
    }
  }
  const slot = (): Disposable => {
    free -= 1
    let held = true
    return {
      [Symbol.dispose]() {
        if (held) give(1)
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
    resize(to) {
      const more = to - size
      size = to
      give(more)
    },
  }
}
