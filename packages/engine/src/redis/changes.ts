import { Cluster, type Redis } from 'ioredis'

/** A batch sends one message about its progress in this time at most (ledger/publish.lua). */
const quietMs = 20

/**
 * Subscribes to changes of batches and summaries. A message is lost while the connection is down, so every wait has a time limit.
 * Each message counts twice, at once and `quietMs` later: what changed in between sent none. In a cluster the channels are sharded: a
 * message goes to the nodes of its slot only, and not to every node.
 */
export interface Changes extends AsyncDisposable {
  /** Messages count from here on, also those that come between two waits. */
  listen(channel: string): Promise<ChangeListener>
  /** Calls back for each message, and once when the subscription is there. */
  subscribe(channel: string, onMessage: () => void): Disposable
  /** Calls back with the channel of each message on a channel that matches `pattern` (Redis' glob). Resolves when messages come. */
  subscribeAll(pattern: string, onMessage: (channel: string) => void): Promise<Disposable>
}

export interface ChangeListener extends Disposable {
  /** Resolves when a message has come since the last wait, after `limitMs`, or when `signal` aborts. */
  wait(limitMs: number, signal?: AbortSignal): Promise<void>
  /** Ends the wait from within this process, as a message would. */
  notify(): void
}

export interface ChangesDependencies {
  /** Used for nothing else: a subscribed connection takes no other commands. */
  readonly subscriber: Redis
}

export function createChanges({ subscriber }: ChangesDependencies): Changes {
  const listeners = new Map<string, Set<() => void>>()
  const client: unknown = subscriber
  const isSharded = client instanceof Cluster
  const lookingAgain = new Map<string, NodeJS.Timeout>()
  const notifyAll = (channel: string) => {
    for (const notify of listeners.get(channel) ?? []) notify()
  }
  subscriber.on(isSharded ? 'smessage' : 'message', (channel: string) => {
    notifyAll(channel)
    clearTimeout(lookingAgain.get(channel))
    const lookAgain = () => {
      lookingAgain.delete(channel)
      notifyAll(channel)
    }
    lookingAgain.set(channel, setTimeout(lookAgain, quietMs))
  })
  const start = async (channel: string) => (isSharded ? subscriber.ssubscribe(channel) : subscriber.subscribe(channel))
  const end = async (channel: string) =>
    isSharded ? subscriber.sunsubscribe(channel) : subscriber.unsubscribe(channel)

  const patterns = new Map<string, Set<(channel: string) => void>>()
  subscriber.on('pmessage', (pattern: string, channel: string) => {
    for (const onMessage of patterns.get(pattern) ?? []) onMessage(channel)
  })

  /** `active` resolves when messages come. */
  const add = (channel: string, onMessage: () => void): { active: Promise<unknown>; remove: () => void } => {
    const set = listeners.get(channel) ?? new Set()
    set.add(onMessage)
    listeners.set(channel, set)
    return {
      active: set.size === 1 ? start(channel) : Promise.resolve(),
      remove() {
        set.delete(onMessage)
        if (set.size > 0 || listeners.get(channel) !== set) return
        listeners.delete(channel)
        // Without a connection there is no subscription to end.
        end(channel).catch(() => {})
      },
    }
  }

  return {
    subscribe(channel, onMessage) {
      const { active, remove } = add(channel, onMessage)
      active.then(onMessage, () => {})
      return { [Symbol.dispose]: remove }
    },

    async subscribeAll(pattern, onMessage) {
      const set = patterns.get(pattern) ?? new Set()
      set.add(onMessage)
      patterns.set(pattern, set)
      const remove = () => {
        set.delete(onMessage)
        if (set.size > 0 || patterns.get(pattern) !== set) return
        patterns.delete(pattern)
        subscriber.punsubscribe(pattern).catch(() => {})
      }
      try {
        await subscriber.psubscribe(pattern)
      } catch (error) {
        remove()
        throw error
      }
      return { [Symbol.dispose]: remove }
    },

    async listen(channel) {
      let hasChanged = false
      let endWait: (() => void) | undefined
      const notify = () => {
        hasChanged = true
        endWait?.()
      }
      const { active, remove } = add(channel, notify)
      try {
        await active
      } catch (error) {
        remove()
        throw error
      }

      return {
        notify,
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
        [Symbol.dispose]: remove,
      }
    },

    async [Symbol.asyncDispose]() {
      listeners.clear()
      patterns.clear()
      for (const timer of lookingAgain.values()) clearTimeout(timer)
      subscriber.disconnect()
    },
  }
}

/** As the scripts publish: `sharded` in a cluster. */
export async function publish(redis: Redis, channel: string, message: string): Promise<void> {
  const client: unknown = redis
  await (client instanceof Cluster ? redis.spublish(channel, message) : redis.publish(channel, message))
}
