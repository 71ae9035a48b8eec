import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const markReadyScript = loadScript(new URL('mark-ready.lua', import.meta.url))

/**
 * The batches of a lane that have items to feed, in the order of their turns. Each has a virtual start time, which grows by
 * `items / weight` with each turn (start-time fair queueing: Goyal, Vin and Cheng, 1996), so every batch gets its turns by weight.
 * A batch that is paused, or has all its items in the window, is not in it and costs nothing.
 */
export interface ReadyBatches {
  /** Harmless for a batch that is ready already. */
  mark(batchId: string): Promise<void>
  /** The next `limit` of them, in the order of their turns. */
  next(limit: number): Promise<Turn[]>
  /** Takes the batches out for their turn. A process that dies before it puts them back leaves that to the sweeper. */
  take(turns: readonly Turn[]): Promise<void>
  /** Puts batches back that have more items: to their next turn, or aside while they have reached their own concurrency. */
  putBack(ready: readonly Turn[], capped: readonly Turn[]): Promise<void>
  /** Batches with items left that have reached their own concurrency. */
  capped(): Promise<Turn[]>
  /** All of them, ready or capped, in pages. */
  all(): AsyncIterable<string[]>
  /** Gives capped batches their turns again. */
  release(turns: readonly Turn[]): Promise<void>
}

export interface Turn {
  readonly batchId: string
  /** Virtual start time. */
  readonly at: number
}

export interface ReadyBatchesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly lane: string
}

export function createReadyBatches({ redis, keys, lane }: ReadyBatchesDependencies): ReadyBatches {
  const { ready, capped, clock, changes } = keys.lane(lane)
  return {
    async mark(batchId) {
      await markReadyScript(redis, { ready, capped, clock }, { batchId, channel: changes })
    },
    async next(limit) {
      return toTurns(await redis.zrange(ready, '0', String(limit - 1), 'WITHSCORES'))
    },
    async take(turns) {
      const first = turns[0]
      if (first === undefined) return
      await redis
        .multi()
        .set(clock, String(first.at))
        .zrem(ready, ...turns.map((turn) => turn.batchId))
        .zrem(capped, ...turns.map((turn) => turn.batchId))
        .exec()
    },
    async putBack(again, aside) {
      const multi = redis.multi()
      if (again.length > 0) multi.zadd(ready, ...scored(again))
      if (aside.length > 0) multi.zadd(capped, ...scored(aside))
      if (again.length + aside.length > 0) await multi.exec()
    },
    async release(turns) {
      if (turns.length === 0) return
      await redis
        .multi()
        .zadd(ready, ...scored(turns))
        .zrem(capped, ...turns.map((turn) => turn.batchId))
        .exec()
    },
    async *all() {
      for (const key of [ready, capped]) {
        for await (const page of redis.zscanStream(key, { count: 100 })) {
          yield (page as string[]).filter((_, i) => i % 2 === 0)
        }
      }
    },
    async capped() {
      return toTurns(await redis.zrange(capped, '0', '-1', 'WITHSCORES'))
    },
  }
}

function scored(turns: readonly Turn[]): string[] {
  return turns.flatMap(({ at, batchId }) => [String(at), batchId])
}

function toTurns(flat: readonly string[]): Turn[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => ({ batchId: flat[2 * i]!, at: Number(flat[2 * i + 1]) }))
}
