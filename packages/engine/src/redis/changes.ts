import type { Redis } from 'ioredis'

/** Tells that a batch changed. Messages may be lost with the connection, so every wait has a time limit. */
export interface Wakes extends AsyncDisposable {
  /** Counts what comes from now on, so that nothing between two waits is missed. */
  listen(channel: string): Promise<Wake>
}

export interface Wake extends Disposable {
  /** Resolves when something came since the last wait, after `limitMs`, or when `signal` aborts. */
  wait(limitMs: number, signal?: AbortSignal): Promise<void>
}

/** `subscriber` is a connection of its own: a subscribed connection takes no other commands. */
export function createWakes(subscriber: Redis): Wakes {
  const listeners = new Map<string, Set<() => void>>()
  subscriber.on('message', (channel: string) => {
    for (const ring of listeners.get(channel) ?? []) ring()
  })

  return {
    async listen(channel) {
      let rung = false
      let wakeUp: (() => void) | undefined
      const ring = () => {
        rung = true
        wakeUp?.()
      }
      const set = listeners.get(channel) ?? new Set()
      set.add(ring)
      listeners.set(channel, set)
      if (set.size === 1) await subscriber.subscribe(channel)

      return {
        async wait(limitMs, signal) {
          if (!rung && !signal?.aborted) {
            await new Promise<void>((resolve) => {
              const done = () => {
                clearTimeout(timer)
                signal?.removeEventListener('abort', done)
                resolve()
              }
              const timer = setTimeout(done, limitMs)
              signal?.addEventListener('abort', done, { once: true })
              wakeUp = done
            })
            wakeUp = undefined
          }
          rung = false
        },
        [Symbol.dispose]() {
          set.delete(ring)
          if (set.size > 0 || listeners.get(channel) !== set) return
          listeners.delete(channel)
          // Without Redis there is nothing to unsubscribe from.
          subscriber.unsubscribe(channel).catch(() => {})
        },
      }
    },
    async [Symbol.asyncDispose]() {
      listeners.clear()
      subscriber.disconnect()
    },
  }
}
