import type { Redis } from 'ioredis'

/** Subscribes to changes of batches and summaries. A message is lost while the connection is down, so every wait has a time limit. */
export interface Changes extends AsyncDisposable {
  /** Messages count from here on, also those that come between two waits. */
  listen(channel: string): Promise<ChangeListener>
}

interface ChangeListener extends Disposable {
  /** Resolves when a message has come since the last wait, after `limitMs`, or when `signal` aborts. */
  wait(limitMs: number, signal?: AbortSignal): Promise<void>
}

export interface ChangesDependencies {
  /** Used for nothing else: a subscribed connection takes no other commands. */
  readonly subscriber: Redis
}

export function createChanges({ subscriber }: ChangesDependencies): Changes {
  const listeners = new Map<string, Set<() => void>>()
  subscriber.on('message', (channel: string) => {
    for (const notify of listeners.get(channel) ?? []) notify()
  })

  return {
    async listen(channel) {
      let hasChanged = false
      let endWait: (() => void) | undefined
      const notify = () => {
        hasChanged = true
        endWait?.()
      }
      const set = listeners.get(channel) ?? new Set()
      set.add(notify)
      listeners.set(channel, set)
      if (set.size === 1) await subscriber.subscribe(channel)

      return {
        async wait(limitMs, signal) {
          if (!hasChanged && !signal?.aborted) {
            await new Promise<void>((resolve) => {
              const done = () => {
                clearTimeout(timer)
                signal?.removeEventListener('abort', done)
                resolve()
              }
              const timer = setTimeout(done, limitMs)
              signal?.addEventListener('abort', done, { once: true })
              endWait = done
            })
            endWait = undefined
          }
          hasChanged = false
        },
        [Symbol.dispose]() {
          set.delete(notify)
          if (set.size > 0 || listeners.get(channel) !== set) return
          listeners.delete(channel)
          // Without a connection there is no subscription to end.
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
