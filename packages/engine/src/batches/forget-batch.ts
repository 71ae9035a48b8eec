import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'

/** Removes a batch with all it holds. Safe to run twice; a batch that is still fed finds itself gone. */
export async function forgetBatch(redis: Redis, keys: Keys, id: string): Promise<void> {
  const { changes: _, ...stored } = keys.batch(id)
  await redis.unlink(...Object.values(stored))
  await redis
    .multi()
    .zrem(keys.allBatches, id)
    .srem(keys.activeBatches, id)
    .zrem(keys.stagingBatches, id)
    .zrem(keys.endedBatches, id)
    .exec()
}
