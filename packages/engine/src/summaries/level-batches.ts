import type { BatchOptions } from '@sluice/contract/batch'
import type { Extractor } from '@sluice/contract/extractor'
import type { Item } from '@sluice/contract/item'
import type { Redis } from 'ioredis'
import { appendBlock, sealBatch } from '../batches/batch-steps.ts'
import { newMeta } from '../batches/batch-view.ts'
import { packBlocks } from '../batches/blocks.ts'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'
import type { StartBatch } from '../batches/begin-batch.ts'

const openLevel = loadScript(new URL('open-level.lua', import.meta.url))

export interface LevelBatch {
  readonly id: string
  readonly summaryId: string
  readonly extractor: Extractor
  readonly options: BatchOptions
}

/**
 * The batches that summaries are made by, one a level. Both steps may be run again after a death at any point, and by two processes at
 * once: the id is told by summary and level, and the same items make the same blocks, of which each is staged once.
 */
export interface LevelBatches {
  /** Stores the items; nothing of them runs yet. */
  stage(batch: LevelBatch, items: readonly Item[]): Promise<void>
  /** What is staged goes to work. */
  begin(batchId: string): Promise<void>
}

export function createLevelBatches({
  redis,
  keys,
  startBatch,
}: {
  redis: Redis
  keys: Keys
  startBatch: StartBatch
}): LevelBatches {
  return {
    async stage({ id, summaryId, extractor, options }, items) {
      const k = keys.batch(id)
      // The sweeper removes it should its summary never come to begin it.
      await redis.zadd(keys.stagingBatches, Date.now(), id)
      const meta = {
        ...newMeta(extractor, options),
        label: 'summary',
        summary: summaryId,
        status: 'uploading',
        created_at: String(Date.now()),
      }
      await openLevel(redis, k, { fields: Object.entries(meta).flat() })
      for await (const block of packBlocks(items)) {
        // 'elsewhere': this block was staged before; 'closed': all of them were.
        await appendBlock(redis, k, block)
      }
      await redis.zadd(keys.allBatches, 0, id)
    },

    async begin(id) {
      const k = keys.batch(id)
      const status = await redis.hget(k.meta, 'status')
      if (status === 'uploading') {
        await redis.sadd(keys.activeBatches, id)
        await sealBatch(redis, k)
        await redis.zrem(keys.stagingBatches, id)
      }
      if (status !== null) await startBatch(id)
    },
  }
}
