/** Slots for calls in flight, first come first served. */
export interface Slots {
  /** Resolves when a slot is free; disposing gives it back. Rejects with the signal's reason if that aborts first. */
  take(signal: AbortSignal): Promise<Disposable>
  /** Changes the number of slots. Slots in use stay in use. */
  resize(count: number): void
}

export function createSlots(count: number): Slots {
  let size = count
  /** Below zero while more slots are in use than there are. */
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
