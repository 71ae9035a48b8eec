import type { Item } from '@sluice/contract/item'
import type { ChainableCommander, Redis } from 'ioredis'
import type { NewBatch } from '../engine.ts'
import { type BatchFields, newBatchMeta, packBatchMeta } from '../ledger/batch-meta.ts'
import { type BatchKeys, itemsPerShard, type Keys } from '../redis/keys.ts'
import { throwFailure } from '../redis/refusal.ts'
import { repeat } from '../repeat.ts'
import type { Admission } from './admission.ts'
import { noteOnBatch, sealBatch, taskOf } from './batch-steps.ts'
import { packBlocks, stageBlock } from './blocks.ts'
import type { Idempotency } from './idempotency.ts'

/** A block is about 20 KB on the wire: 16 of them go in one round trip. */
const blocksPerFlush = 16
/** How often a staged batch is marked as alive. Its items may come slowly. */
const stagingBeatMs = 5_000
/** A staged batch that is not marked for this long was abandoned by its sender. */
export const abandonedMs = 10 * 60_000

export interface StageBatchDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly admission: Admission
  readonly idempotency: Idempotency
}

/** Stores a batch with all its items. No caller sees it before it is sealed; the sweeper removes one that is never sealed. */
export interface StageBatch {
  /** `fields`: further ones of the batch. */
  readonly stage: (
    id: string,
    input: NewBatch,
    items: AsyncIterable<Item> | Iterable<Item>,
    fields?: BatchFields,
  ) => Promise<void>
  /**
   * Begins a batch that is staged. Safe to repeat, also by another request with the same key. `total`: how many items it must have;
   * `gone`: it was removed, or another process stages it again.
   */
  readonly seal: (id: string, total?: number) => Promise<'sealed' | 'empty' | 'gone'>
}

export function createStageBatch({ redis, keys, admission, idempotency }: StageBatchDependencies): StageBatch {
  return { stage, seal }

  async function stage(
    id: string,
    input: NewBatch,
    items: AsyncIterable<Item> | Iterable<Item>,
    fields: BatchFields = {},
  ): Promise<void> {
    const { options, skipped, idempotency: claim } = input
    await admission.check()
    const k = keys.batch(id)
    const beat = async () => {
      await redis.zadd(keys.stagingBatches, Date.now(), id)
      if (claim) await idempotency.renew(claim, id)
    }
    // In this order, but in one write to disk.
    await Promise.all([
      beat(),
      redis.hset(k.meta, packBatchMeta({ ...newBatchMeta(taskOf(input), options), ...fields })),
    ])
    await whileBeating(beat, () => stageItems(k, items))
    await redis.multi().sadd(keys.activeBatches, id).zadd(keys.allBatches, 0, id).exec()
    const report = skipped?.()
    if (report !== undefined) await noteOnBatch(redis, k, { skipped: report })
  }

  async function stageItems(k: BatchKeys, items: AsyncIterable<Item> | Iterable<Item>): Promise<void> {
    let pipeline = redis.pipeline()
    for await (const block of packBlocks(items, { perShard: itemsPerShard })) {
      stageBlock(pipeline, k, block, itemsPerShard)
      if (pipeline.length < blocksPerFlush) continue
      await run(pipeline)
      await admission.check()
      pipeline = redis.pipeline()
    }
    await run(pipeline)
  }

  async function seal(id: string, total?: number): Promise<'sealed' | 'empty' | 'gone'> {
    const k = keys.batch(id)
    const sealed = await sealBatch(redis, k, total)
    if (sealed === 'empty') return 'empty'
    if (sealed === 'incomplete') return 'gone'
    // Another request with the same key was faster, or the batch was removed.
    if (sealed === 'not-staging' && (await redis.exists(k.meta)) === 0) return 'gone'
    await redis.zrem(keys.stagingBatches, id)
    return 'sealed'
  }
}

async function whileBeating(beat: () => Promise<void>, act: () => Promise<void>): Promise<void> {
  // If Redis is away, the writes of `act` fail, too, and report it.
  const beating = repeat(beat, { everyMs: stagingBeatMs, first: 'after-interval', onError() {} })
  try {
    await act()
  } finally {
    await beating.stop()
  }
}

async function run(pipeline: ChainableCommander): Promise<void> {
  if (pipeline.length > 0) throwFailure(await pipeline.exec())
}
