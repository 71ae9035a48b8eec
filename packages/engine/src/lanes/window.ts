import { randomUUID } from 'node:crypto'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Keys, LaneKeys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const scripts = {
  announce: loadScript(new URL('announce.lua', import.meta.url)),
  liveWorkers: loadScript(new URL('live-workers.lua', import.meta.url)),
}

/**
 * The window: how many items may be in a lane's queue at once, shared among its batches. It is twice what the lane's workers run at
 * once: enough that no worker waits for the feeder, little enough that a new batch gets its turn within one call's time.
 */
const windowPerConcurrency = 2
const smallestWindow = 8
const liveMs = 6_000
/** How often one process reads a lane's numbers at most. */
const freshMs = 200
/**
 * Items held beyond those whose call is in flight: just taken, or being recorded. So a call's slot goes to the next item at once, and
 * the time that Redis takes to write to disk (about 1 ms each, `appendfsync always`) costs no throughput.
 */
const preparedFraction = 0.25

export interface LiveWorker {
  readonly id: string
  /** Items it may hold at once. */
  readonly held: number
  /** Calls it may have in flight at once. */
  readonly concurrency: number
}

export function createLiveWorker(concurrency: number): LiveWorker {
  const held = concurrency + Math.max(2, Math.ceil(concurrency * preparedFraction))
  return { id: randomUUID(), held, concurrency }
}

export interface LaneWindow {
  /** Counts this worker in for the next 6 s. */
  announce(worker: LiveWorker): Promise<void>
  retire(worker: LiveWorker): Promise<void>
  /** Items that may be in the window, and places that are free now; negative if a new batch got extra places. */
  room(): Promise<{ readonly capacity: number; readonly free: number }>
}

export interface LaneWindowDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly lane: string
  /** Of the lane. */
  readonly queue: Queue
}

export function createLaneWindow({ redis, keys, lane, queue }: LaneWindowDependencies): LaneWindow {
  const { workers } = keys.lane(lane)
  const member = ({ id, held, concurrency }: LiveWorker) => `${id}|${held}|${concurrency}`
  let seen: { readonly at: number; readonly capacity: number } | undefined

  const readCapacity = async (): Promise<number> => {
    const now = performance.now()
    if (seen !== undefined && now - seen.at < freshMs) return seen.capacity
    const members = await readLiveWorkers(redis, { workers })
    const held = members.reduce((sum, one) => sum + Number(one.split('|')[1]), 0)
    seen = { at: now, capacity: Math.max(smallestWindow, held * windowPerConcurrency) }
    return seen.capacity
  }

  return {
    async announce(worker) {
      await scripts.announce(redis, { workers }, { member: member(worker), liveMs })
    },
    async retire(worker) {
      await redis.zrem(workers, member(worker))
    },
    async room() {
      // Plain commands that share a round trip: BullMQ's own script for these counts takes twice as many.
      const [capacity, ...jobs] = await Promise.all([
        readCapacity(),
        redis.llen(queue.toKey('wait')),
        // Where someone paused the queue in Bull Board.
        redis.llen(queue.toKey('paused')),
        redis.llen(queue.toKey('active')),
        redis.zcard(queue.toKey('delayed')),
        redis.zcard(queue.toKey('prioritized')),
      ])
      return { capacity, free: capacity - jobs.reduce((sum, count) => sum + count, 0) }
    },
  }
}

/** The workers of a lane that are alive: `<worker id>|<items it holds at most>|<calls in flight at most>`. */
export async function readLiveWorkers(redis: Redis, { workers }: Pick<LaneKeys, 'workers'>): Promise<string[]> {
  return (await scripts.liveWorkers(redis, { workers })) as string[]
}
