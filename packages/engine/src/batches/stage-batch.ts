import { invalidRequest, SluiceError } from '@sluice/contract/error'
import type { Item } from '@sluice/contract/item'
import type { ChainableCommander, Redis } from 'ioredis'
import type { NewBatch } from '../engine.ts'
import { type BatchFields, newBatchMeta, packBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
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
export type StageBatch = (
  id: string,
  input: NewBatch,
  items: AsyncIterable<Item> | Iterable<Item>,
  more?: {
    /** Further fields of the batch. */
    readonly fields?: BatchFields
    /** How many items it must have; asked when all have arrived. */
    readonly total?: () => number
  },
) => Promise<void>

export function createStageBatch({ redis, keys, admission, idempotency }: StageBatchDependencies): StageBatch {
  return async (id, input, items, { fields = {}, total } = {}) => {
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
    await whileBeating(beat, () => stageItems(k.blocks, items))
    await redis.multi().sadd(keys.activeBatches, id).zadd(keys.allBatches, 0, id).exec()
    const report = skipped?.()
    if (report !== undefined) await noteOnBatch(redis, k, { skipped: report })
    // Before the batch begins: otherwise a crash in between would free the key of a running batch.
    if (claim) await idempotency.settle(claim, id)
    await seal(id, total?.())
    await redis.zrem(keys.stagingBatches, id)
  }

  async function stageItems(key: string, items: AsyncIterable<Item> | Iterable<Item>): Promise<void> {
    let pipeline = redis.pipeline()
    for await (const block of packBlocks(items)) {
      stageBlock(pipeline, key, block)
      if (pipeline.length < blocksPerFlush) continue
      await run(pipeline)
      await admission.check()
      pipeline = redis.pipeline()
    }
    await run(pipeline)
  }

  async function seal(id: string, total: number | undefined): Promise<void> {
    const sealed = await sealBatch(redis, keys.batch(id), total)
    switch (sealed) {
      case 'sealed':
        return
      case 'empty':
        throw invalidRequest('invalid_request', 'items: A batch has at least one item.', 'items')
      case 'incomplete':
      case 'not-staging':
        throw new SluiceError(
          'conflict_error',
          'batch_removed',
          'The batch was removed while its items arrived: send them again.',
          { retryAfterS: 1 },
        )
      default:
        sealed satisfies never
    }
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

/** ioredis resolves a pipeline whose commands failed; this throws the first failure. */
async function run(pipeline: ChainableCommander): Promise<void> {
  if (pipeline.length === 0) return
  const failed = (await pipeline.exec())?.find(([error]) => error !== null)
  if (failed?.[0]) throw failed[0]
}
