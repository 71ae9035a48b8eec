import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { primaries } from '../redis/connect.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'
import { repeat, type Repeating } from '../repeat.ts'

const announceScript = loadScript(new URL('announce.lua', import.meta.url))
const releaseScript = loadScript(new URL('release-locks.lua', import.meta.url))

const announceMs = 400
/** A worker without an announcement for this long may be dead; its connections, if they are closed, prove it. */
const missingMs = 1_000
/** For so long this process must have seen that it has no connection: a worker whose connections were cut is back within a second. */
const goneMs = 2_000
const forgetMs = 60_000
/** Jobs that one script looks at: about 1 ms. */
const releasedAtOnce = 1_000

/** As CLIENT LIST shows it. */
export function connectionNameOf(workerId: string): string {
  return `sluice-worker-${workerId}`
}

export interface DeadWorkersDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly gate: RedisGate
  readonly workerId: string
  readonly lanes: Iterable<{ readonly queue: Queue; readonly worker: { findStalled(): Promise<void> } }>
  readonly onError: (error: Error) => void
}

/**
 * Gives the items of a killed worker to others within 5 s instead of after its locks (15 to 25 s). A worker is dead if it no longer
 * announces itself and its connections to Redis are closed: the system closes them when a process dies. A worker that is only slow or
 * frozen keeps them, and so keeps its items until its locks end. If Redis does not list its clients, only the locks decide.
 */
export function createDeadWorkers(dependencies: DeadWorkersDependencies): Repeating {
  const { redis, keys, gate, workerId, lanes, onError } = dependencies
  /** Worker id -> since when this process sees neither an announcement nor a connection of it. */
  const goneSince = new Map<string, number>()
  const released = new Set<string>()
  let canList: boolean | undefined

  async function look(): Promise<void> {
    // What this process saw before an outage says nothing about who is back after it.
    if (!gate.isOpen) return goneSince.clear()
    canList ??= (await listNames(redis))?.has(connectionNameOf(workerId)) ?? false
    if (!canList) return
    const args = { workerId, missingMs, forgetMs }
    const missing = new Set((await announceScript(redis, { alive: keys.workersAlive }, args)) as string[])
    for (const id of [...goneSince.keys(), ...released]) {
      if (missing.has(id)) continue
      goneSince.delete(id)
      released.delete(id)
    }
    const unseen = [...missing].filter((id) => !released.has(id))
    if (unseen.length === 0) return
    const names = await listNames(redis)
    for (const id of unseen) {
      if (names === null || names.has(connectionNameOf(id))) goneSince.delete(id)
      else if (!goneSince.has(id)) goneSince.set(id, performance.now())
      else if (performance.now() - goneSince.get(id)! >= goneMs) await release(id)
    }
  }

  /** Every worker does so for its own lanes; the second one finds nothing. */
  async function release(deadId: string): Promise<void> {
    for (const { queue, worker } of lanes) {
      const active = await redis.lrange(queue.toKey('active'), 0, -1)
      if ((await releaseLocks(queue, deadId, active)) > 0) await worker.findStalled()
    }
    goneSince.delete(deadId)
    released.add(deadId)
  }

  async function releaseLocks(queue: Queue, deadId: string, active: readonly string[]): Promise<number> {
    const locks = { stalled: queue.toKey('stalled'), stalledCheck: queue.toKey('stalled-check') }
    let count = 0
    for (let from = 0; from < active.length; from += releasedAtOnce) {
      const jobIds = active.slice(from, from + releasedAtOnce)
      count += (await releaseScript(redis, locks, { workerId: deadId, jobPrefix: queue.toKey(''), jobIds })) as number
    }
    return count
  }

  const looking = repeat(look, { everyMs: announceMs, first: 'at-once', onError })
  return {
    async stop() {
      await looking.stop()
      // Without Redis, its connections are gone for everyone else.
      await redis.zrem(keys.workersAlive, workerId).catch(() => {})
    },
  }
}

/** The names of all connections, or null where Redis does not list them. */
async function listNames(redis: Redis): Promise<Set<string> | null> {
  try {
    const lists = await Promise.all(primaries(redis).map((node) => node.client('LIST') as Promise<string>))
    return new Set(lists.join('\n').match(/(?<= name=)\S+/g) ?? [])
  } catch {
    return null
  }
}
