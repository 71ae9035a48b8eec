import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'

/** Removes a batch with its items and results. Safe to run twice. A job that still feeds the batch finds it gone and ends. */
export async function forgetBatch(redis: Redis, keys: Keys, id: string): Promise<void> {
  const { changes, ...stored } = keys.batch(id)
  await redis.unlink(...Object.values(stored))
  await redis
    .multi()
    .zrem(keys.allBatches, id)
    .srem(keys.activeBatches, id)
    .zrem(keys.stagingBatches, id)
    .zrem(keys.endedBatches, id)
    .zrem(keys.expiringBatches, id)
    .exec()
  await redis.publish(changes, 'gone')
}
