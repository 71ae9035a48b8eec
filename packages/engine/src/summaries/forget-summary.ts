import type { Redis } from 'ioredis'
import { levelBatchId } from '../batches/batch-id.ts'
import { forgetBatch } from '../batches/forget-batch.ts'
import type { Keys } from '../redis/keys.ts'

/** Removes a summary with the batches of its levels. Safe to run twice; it goes last itself, so that nothing of it is left behind. */
export async function forgetSummary(redis: Redis, keys: Keys, id: string): Promise<void> {
  const level = Number((await redis.hget(keys.summary(id).meta, 'level')) ?? 1)
  // The next level's batch may be stored already.
  for (let at = 1; at <= level + 1; at += 1) await forgetBatch(redis, keys, levelBatchId(id, at))
  await redis.unlink(keys.summary(id).meta)
  await redis.multi().srem(keys.activeSummaries, id).zrem(keys.endedSummaries, id).exec()
}
