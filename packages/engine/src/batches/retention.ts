import { isEnded } from '@sluice/contract/batch'
import type { Redis } from 'ioredis'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import type { OnBatchEnded } from './batch-ended.ts'
import { forgetBatch } from './forget-batch.ts'

export interface Retention {
  readonly onBatchEnded: OnBatchEnded
  /** Removes the batches that ended longer ago than the retention time. */
  removeExpired(): Promise<void>
}

export interface RetentionDependencies {
  readonly redis: Redis
  readonly keys: Keys
  /** Null: batches are kept until they are deleted. */
  readonly retentionMs: number | null
}

/** Batches that one sweep removes; the next sweep goes on. */
const removedAtOnce = 2_000

/** Keeps the ended batches by the time of their end, and removes them when they expire. */
export function createRetention({ redis, keys, retentionMs }: RetentionDependencies): Retention {
  return {
    async onBatchEnded({ id, finishedAt, summaryId, keptMs }) {
      // A batch of a summary is removed together with its summary.
      if (summaryId !== null) return
      if (keptMs === null) await redis.zadd(keys.endedBatches, finishedAt, id)
      else await redis.zadd(keys.expiringBatches, finishedAt + Math.min(keptMs, retentionMs ?? keptMs), id)
    },

    async removeExpired() {
      await removeUntil(keys.expiringBatches, Date.now())
      if (retentionMs !== null) await removeUntil(keys.endedBatches, Date.now() - retentionMs)
    },
  }

  async function removeUntil(key: string, time: number): Promise<void> {
    for (const id of await redis.zrangebyscore(key, '-inf', time, 'LIMIT', 0, removedAtOnce)) {
      const meta = await readBatchMeta(redis, keys.batch(id))
      // A retried batch is running again. One whose removal broke off is `staging`.
      if (meta !== null && meta.status !== 'staging' && !isEnded(meta.status)) await redis.zrem(key, id)
      else await forgetBatch(redis, keys, id)
    }
  }
}
