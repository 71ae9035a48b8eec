import { batchOptions, isEnded } from '@sluice/contract/batch'
import { notFound } from '@sluice/contract/error'
import type { Item } from '@sluice/contract/item'
import type { Result } from '@sluice/contract/result'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Extractions } from '../engine.ts'
import { newBatchMeta, packBatchMeta } from '../ledger/batch-meta.ts'
import { readDone } from '../ledger/result-pages.ts'
import { parseStored } from '../ledger/stored-result.ts'
import { itemJobId, itemJobName, itemJobOptions } from '../queues/jobs.ts'
import type { ChangeListener, Changes } from '../redis/changes.ts'
import { itemsPerShard, type Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'
import type { Admission } from './admission.ts'
import { createBatchId } from './batch-id.ts'
import { packBlocks } from './blocks.ts'
import type { BatchFinder } from './find-batch.ts'

type NewExtraction = Parameters<Extractions['run']>[0]

/** Messages may be lost: without one the result is looked for this often. */
const lookMs = 5_000

const stageOne = loadScript(new URL('stage-one.lua', import.meta.url))

export interface ExtractionsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly changes: Changes
  readonly admission: Admission
  readonly finder: BatchFinder
  /** Resolves when all earlier writes are on disk. */
  readonly confirm: () => Promise<void>
  readonly queueOf: (lane: string) => Queue
}

/**
 * One text as a batch of one item. It is as durable as any other, and takes the short way: it is stored in one step, its job is added
 * at once instead of by the lane's feeder, no job reports its progress, and its result is read when the message of its end comes.
 */
export function createExtractions(dependencies: ExtractionsDependencies): Extractions {
  const { redis, keys, changes, admission, finder, confirm, queueOf } = dependencies

  return {
    async run({ extractor, text, name, keptMs }, { signal }) {
      await admission.check()
      const id = createBatchId(Date.now())
      using changed = await changes.listen(keys.batch(id).changes)
      await store(id, { extractor, text, name, keptMs })
      const result = await resultOf(id, changed, signal)
      if (result !== null) return { type: 'result', batchId: id, result }
      await confirm()
      return { type: 'pending', batch: await finder.get(id) }
    },
  }

  async function store(id: string, { extractor, text, name: called, keptMs }: NewExtraction): Promise<void> {
    const now = Date.now()
    const meta = packBatchMeta({
      ...newBatchMeta(extractor, batchOptions.parse(called === undefined ? {} : { name: called })),
      status: 'in_progress',
      total: 1,
      next: 1,
      feeds: 1,
      created_at: now,
      started_at: now,
      kept_ms: keptMs,
      direct: true,
    })
    const args = { block: await blockOf({ id: '0', text }), fields: Object.entries(meta).flat() }
    // If this process dies before the end of this function, the sweeper finds the batch as a staged one, or as an active one without job.
    await Promise.all([redis.zadd(keys.stagingBatches, now, id), stageOne(redis, keys.batch(id), args)])
    const job = { batch_id: id, index: 0, feed: 1 }
    const name = itemJobName(String(meta['label']), 0)
    await Promise.all([
      redis.sadd(keys.activeBatches, id),
      redis.zadd(keys.allBatches, 0, id),
      // To the front, as the first items of any new batch: someone waits for it.
      queueOf(extractor.lane).add(name, job, { ...itemJobOptions, lifo: true, jobId: itemJobId(job) }),
      redis.zrem(keys.stagingBatches, id),
    ])
  }

  /** Null when `signal` aborts, or the batch was paused or cancelled: then waiting is of no use. */
  async function resultOf(id: string, changed: ChangeListener, signal: AbortSignal): Promise<Result | null> {
    while (!signal.aborted) {
      await changed.wait(lookMs, signal)
      const page = await readDone(redis, keys.batch(id), 0)
      if (page === null) throw notFound('batch', id)
      const [entry] = page.entries
      if (entry?.stored) return { ...parseStored(0, entry.stored).result, cursor: 'c0' }
      if (page.status === 'paused' || isEnded(page.status)) return null
    }
    return null
  }
}

async function blockOf(item: Item): Promise<Buffer> {
  for await (const { bytes } of packBlocks([item], { perShard: itemsPerShard })) return bytes
  throw new Error('One item made no block.')
}
