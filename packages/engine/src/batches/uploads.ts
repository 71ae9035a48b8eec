import type { Batch } from '@sluice/contract/batch'
import { conflict, invalidRequest, notFound } from '@sluice/contract/error'
import type { WebhookTarget } from '@sluice/contract/webhook'
import type { Redis } from 'ioredis'
import type { Admission } from './admission.ts'
import { createBatchId, isBatchId } from './batch-id.ts'
import { appendBlock, noteOnBatch, sealBatch, taskOf } from './batch-steps.ts'
import { packBlocks, readItems } from './blocks.ts'
import type { Uploads } from '../engine.ts'
import type { BatchFinder } from './find-batch.ts'
import type { Idempotency } from './idempotency.ts'
import { newBatchMeta, packBatchMeta, readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import type { EnqueueBatch } from './enqueue-batch.ts'
import { abandonedMs } from './stage-batch.ts'

/** An upload that gets no items for this long is removed. */
const uploadLeftMs = 24 * 3_600_000
/** How often the arrival of items is recorded: a write to disk per block would halve the speed. */
const touchMs = 5_000

export interface UploadsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly enqueueBatch: EnqueueBatch
  readonly admission: Admission
  /** Resolves when all earlier writes are on disk. */
  readonly confirm: () => Promise<void>
  readonly finder: BatchFinder
  readonly idempotency: Idempotency
  /** Throws for a webhook that could never be delivered. */
  readonly checkWebhook: (webhook: WebhookTarget | undefined) => void
}

/** Batches that several requests fill. Each request may break off and be repeated. */
export function createUploads(dependencies: UploadsDependencies): Uploads {
  const { redis, keys, enqueueBatch, admission, confirm, finder, idempotency, checkWebhook } = dependencies
  const { find, get } = finder
  /** Postdated, because the sweeper removes staged batches after its own, shorter limit. */
  const touch = (id: string) => redis.zadd(keys.stagingBatches, Date.now() + uploadLeftMs - abandonedMs, id)

  return {
    async open(input) {
      admission.checkCost(taskOf(input).lane, input.options.max_cost_usd)
      checkWebhook(input.options.webhook)
      await admission.check()
      const id = createBatchId(Date.now())
      const claim = input.idempotency
      const earlier = claim && (await idempotency.take(claim, id, { find, metaKey: (of) => keys.batch(of).meta }))
      if (earlier) {
        // The first request may have died before this step. Without it the key would expire while this upload is filled.
        await idempotency.settle(claim, earlier.id)
        return { batch: earlier, created: false }
      }
      await touch(id)
      const meta = {
        ...newBatchMeta(taskOf(input), input.options),
        status: 'uploading',
        created_at: Date.now(),
      } as const
      await redis.hset(keys.batch(id).meta, packBatchMeta(meta))
      await redis.zadd(keys.allBatches, 0, id)
      if (claim) await idempotency.settle(claim, id)
      return { batch: await get(id), created: true }
    },

    async append(id, from, items) {
      const { total, perShard } = await uploading(id)
      if (from !== total) throw elsewhere(id, total)
      const k = keys.batch(id)
      let touchedAt = performance.now()
      await touch(id)
      for await (const block of packBlocks(items, { from, perShard })) {
        await admission.check()
        const staged = await appendBlock(redis, k, block)
        if (staged === 'elsewhere') throw elsewhere(id, (await get(id)).counts.total)
        if (staged === 'closed') throw closed(await get(id))
        if (performance.now() - touchedAt < touchMs) continue
        touchedAt = performance.now()
        await touch(id)
      }
      await confirm()
      return get(id)
    },

    async *staged(id, from) {
      await uploading(id)
      yield* readItems(redis, keys.batch(id), from)
    },

    async addSkipped(id, skipped) {
      const before = (await get(id)).skipped ?? { count: 0, first: [] }
      const after = { count: before.count + skipped.count, first: [...before.first, ...skipped.first].slice(0, 20) }
      await noteOnBatch(redis, keys.batch(id), { skipped: after })
    },

    async seal(id) {
      const { status, counts } = await get(id)
      if (status === 'uploading') {
        if (counts.total === 0)
          throw invalidRequest('invalid_request', 'A batch has at least one item: upload items first.')
        await redis.sadd(keys.activeBatches, id)
        await sealBatch(redis, keys.batch(id))
        await redis.zrem(keys.stagingBatches, id)
      }
      await enqueueBatch(id)
      await confirm()
      return get(id)
    },
  }

  async function uploading(id: string): Promise<{ total: number; perShard: number }> {
    const meta = isBatchId(id) ? await readBatchMeta(redis, keys.batch(id), 'total', 'items_per_shard') : null
    if (meta?.status !== 'uploading') throw closed(await get(id))
    return { total: meta.total, perShard: meta.items_per_shard }
  }

  function elsewhere(id: string, total: number): Error {
    return conflict('upload_position', `Batch '${id}' has ${total} items: continue with from=${total}.`)
  }

  function closed({ id, status }: Batch): Error {
    return status === 'uploading'
      ? notFound('batch', id)
      : conflict('batch_sealed', `Batch '${id}' is ${status}: it accepts no more items.`)
  }
}
