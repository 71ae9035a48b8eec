import type { Redis } from 'ioredis'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import { type BatchKeys, type Keys, shardKeys } from '../redis/keys.ts'
import { isOutage, throwFailure } from '../redis/refusal.ts'
import { loadScript } from '../redis/script.ts'

const hideScript = loadScript(new URL('hide.lua', import.meta.url))

/** Keys that one command removes. Another thread of Redis frees what was in them. */
const removedAtOnce = 500

/**
 * Removes a batch with its items and results. Safe to run twice. A job that still feeds the batch finds it gone and ends.
 * A batch of many parts is hidden first, so that no reader takes what is left of its results for all of them; the sweeper removes it if
 * this process dies half-way.
 */
export async function forgetBatch(redis: Redis, keys: Keys, id: string): Promise<void> {
  const { changes, ...stored } = keys.batch(id)
  const parts = await partsOf(redis, keys.batch(id))
  if (parts.length > 0) {
    // A full Redis takes no entry here. Then the batch is removed all the same, unless this process dies half-way.
    await redis.zadd(keys.stagingBatches, Date.now(), id).catch((error: unknown) => {
      if (!isOutage(error)) throw error
    })
    await hideScript(redis, keys.batch(id))
  }
  for (let from = 0; from < parts.length; from += removedAtOnce) {
    await redis.unlink(...parts.slice(from, from + removedAtOnce))
  }
  await redis.unlink(...Object.values(stored))
  // Not a transaction: a full Redis rejects those, and removing is what it needs.
  const replies = await redis
    .pipeline()
    .zrem(keys.allBatches, id)
    .srem(keys.activeBatches, id)
    .zrem(keys.stagingBatches, id)
    .zrem(keys.endedBatches, id)
    .zrem(keys.expiringBatches, id)
    .exec()
  throwFailure(replies)
  // To who listens to all batches: that is by pattern, which only this kind of message reaches in a cluster.
  await redis.publish(changes, 'gone')
}

/** The shards of the batch's keys, without the first ones. */
async function partsOf(redis: Redis, k: BatchKeys): Promise<string[]> {
  const meta = await readBatchMeta(redis, k, 'total', 'items_per_shard', 'done_shard')
  if (meta === null) return []
  const { total, items_per_shard: perShard, done_shard: doneShard } = meta
  const ofItems = [k.blocks, k.results, k.failed, k.grouped, k.chains, k.twins].flatMap((key) =>
    shardKeys(key, total, perShard).slice(1),
  )
  return [...ofItems, ...shardKeys(k.done, (doneShard + 1) * perShard, perShard).slice(1)]
}
