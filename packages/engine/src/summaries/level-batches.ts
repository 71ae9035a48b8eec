import type { BatchOptions } from '@sluice/contract/batch'
import type { Extractor } from '@sluice/contract/extractor'
import type { Item } from '@sluice/contract/item'
import type { FailureType } from '@sluice/contract/result'
import { chunkPlace, type SummaryChunk } from '@sluice/contract/summary'
import type { Redis } from 'ioredis'
import { appendBlock, sealBatch } from '../batches/batch-steps.ts'
import type { EnqueueBatch } from '../batches/enqueue-batch.ts'
import { packBlocks } from '../batches/blocks.ts'
import type { Results, SummaryRecipe } from '../engine.ts'
import { newBatchMeta, packBatchMeta, readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const openLevel = loadScript(new URL('open-level.lua', import.meta.url))

interface LevelBatch {
  readonly id: string
  readonly summaryId: string
  readonly extractor: Extractor
  readonly options: BatchOptions
}

/**
 * The batches that create the summaries, one per level. Both steps may run again after a crash at any point, and in two processes at
 * once: the id is derived from the summary id and the level, and the same items make the same blocks, each of which is staged once.
 */
export interface LevelBatches {
  /** Stores the items; none of them runs yet. */
  stage(batch: LevelBatch, items: readonly Item[]): Promise<void>
  /** Starts the staged items. */
  begin(batchId: string): Promise<void>
}

export interface LevelBatchesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly enqueueBatch: EnqueueBatch
}

export function createLevelBatches({ redis, keys, enqueueBatch }: LevelBatchesDependencies): LevelBatches {
  return {
    async stage({ id, summaryId, extractor, options }, items) {
      const k = keys.batch(id)
      // The sweeper removes the batch if its summary never begins it.
      await redis.zadd(keys.stagingBatches, Date.now(), id)
      const meta = packBatchMeta({
        ...newBatchMeta(extractor, options),
        label: 'summary',
        summary: summaryId,
        status: 'uploading',
        created_at: Date.now(),
      })
      await openLevel(redis, k, { fields: Object.entries(meta).flat() })
      const stored = await readBatchMeta(redis, k, 'items_per_shard')
      for await (const block of packBlocks(items, { perShard: stored?.items_per_shard ?? 0 })) {
        // 'elsewhere': this block was staged before; 'closed': all of them were.
        await appendBlock(redis, k, block)
      }
      await redis.zadd(keys.allBatches, 0, id)
    },

    async begin(id) {
      const k = keys.batch(id)
      const meta = await readBatchMeta(redis, k)
      if (meta === null) return
      if (meta.status === 'uploading') {
        await redis.sadd(keys.activeBatches, id)
        await sealBatch(redis, k)
        await redis.zrem(keys.stagingBatches, id)
      }
      await enqueueBatch(id)
    },
  }
}

const tasks = {
  part: 'Write a concise summary of the following text.',
  whole:
    'The following are summaries of consecutive parts of one text, in order. Write one concise summary of the whole text from them.',
}

/** The extractor of a level's calls: level 1 summarizes parts of the text, every other level summarizes summaries. */
export function levelExtractor({ lane, instructions, parameters }: SummaryRecipe, level: number): Extractor {
  const task = level === 1 ? tasks.part : tasks.whole
  return {
    object: 'extractor',
    name: null,
    version: 0,
    schema: {
      type: 'object',
      properties: { summary: { type: 'string', minLength: 1 } },
      required: ['summary'],
      additionalProperties: false,
    },
    instructions: instructions === '' ? task : `${task}\n\n${instructions}`,
    lane,
    parameters,
    reasks: 2,
    created_at: 0,
  }
}

export interface LevelResults {
  /** The successful calls, in order. */
  readonly parts: readonly { readonly index: number; readonly summary: string; readonly metadata: unknown }[]
  readonly failed: readonly { readonly index: number; readonly type: FailureType; readonly message: string }[]
}

/** The results of a level's batch. */
export async function readLevel(results: Results, batchId: string): Promise<LevelResults> {
  const parts: LevelResults['parts'][number][] = []
  const failed: LevelResults['failed'][number][] = []
  const signal = new AbortController().signal
  for await (const page of await results.read(batchId, { order: 'input', follow: false }, { signal })) {
    for (const { index, data, error, metadata } of page) {
      if (error === undefined) parts.push({ index, summary: (data as { summary: string }).summary, metadata })
      else failed.push({ index, ...error })
    }
  }
  return { parts, failed }
}

/** The chunks of the text with their summaries: the results of level 1. */
export async function readChunks(results: Results, batchId: string): Promise<SummaryChunk[]> {
  const { parts } = await readLevel(results, batchId)
  return parts.map(({ index, summary, metadata }) => ({ index, ...chunkPlace.parse(metadata), summary }))
}
