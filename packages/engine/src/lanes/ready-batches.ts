import type { Redis } from 'ioredis'
import type { ReadRecipe } from '../items/recipes.ts'
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
  /** The next `limit` of them, in the order of their turns. They stay in the set until `settle`. */
  next(limit: number): Promise<Turn[]>
  /** Writes what the turns led to. Safe to repeat. */
  settle(turns: SettledTurns): Promise<void>
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

interface SettledTurns {
  /** Virtual time of the first turn; null when there was no turn. */
  readonly clock: number | null
  /** Batches that have more items, with their next turn. */
  readonly again: readonly Turn[]
  /** Batches that have more items and have reached their own concurrency. */
  readonly capped: readonly Turn[]
  /**
   * Batches without items to feed. A batch that became ready between its turn and this step is removed, too: the feeder must feed each
   * of these once more. A process that dies before it does leaves that to the sweeper.
   */
  readonly empty: readonly string[]
}

export interface ReadyBatchesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly lane: string
}

export interface MarkReadyDependencies extends Omit<ReadyBatchesDependencies, 'lane'> {
  readonly readRecipe: ReadRecipe
}

/** For a batch of which an item just ran here: its recipe, which names the lane, is in memory. */
export function createMarkReady({
  redis,
  keys,
  readRecipe,
}: MarkReadyDependencies): (batchId: string) => Promise<void> {
  return async (batchId) => {
    const lane = (await readRecipe(batchId))?.task.lane
    if (lane !== undefined) await createReadyBatches({ redis, keys, lane }).mark(batchId)
  }
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
    async settle({ clock: now, again, capped: aside, empty }) {
      if (now === null && again.length + aside.length + empty.length === 0) return
      const steps = redis.multi()
      if (now !== null) steps.set(clock, String(now))
      if (again.length > 0) steps.zadd(ready, ...scored(again))
      if (aside.length > 0) steps.zadd(capped, ...scored(aside)).zrem(ready, ...idsOf(aside))
      if (empty.length > 0) steps.zrem(ready, ...empty)
      await steps.exec()
    },
    async release(turns) {
      if (turns.length === 0) return
      await redis
        .multi()
        .zadd(ready, 'NX', ...scored(turns))
        .zrem(capped, ...idsOf(turns))
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

function idsOf(turns: readonly Turn[]): string[] {
  return turns.map(({ batchId }) => batchId)
}

function scored(turns: readonly Turn[]): string[] {
  return turns.flatMap(({ at, batchId }) => [String(at), batchId])
}

function toTurns(flat: readonly string[]): Turn[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => ({ batchId: flat[2 * i]!, at: Number(flat[2 * i + 1]) }))
}
