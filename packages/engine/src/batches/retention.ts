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
  /** Null: batches are kept for ever. */
  readonly retentionMs: number | null
}

/** Keeps the ended batches by the time of their end, and removes them when they expire. */
export function createRetention({ redis, keys, retentionMs }: RetentionDependencies): Retention {
  return {
    async onBatchEnded({ id, finishedAt, summaryId }) {
      // A batch of a summary is removed together with its summary.
      if (summaryId === null) await redis.zadd(keys.endedBatches, finishedAt, id)
    },

    async removeExpired() {
      if (retentionMs === null) return
      for (const id of await redis.zrangebyscore(keys.endedBatches, '-inf', Date.now() - retentionMs)) {
        const meta = await readBatchMeta(redis, keys.batch(id))
        // A retried batch is running again.
        if (meta !== null && (meta.status === 'staging' || !isEnded(meta.status)))
          await redis.zrem(keys.endedBatches, id)
        else await forgetBatch(redis, keys, id)
      }
    },
  }
}
