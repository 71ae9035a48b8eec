import { type Batch, isEnded } from '@sluice/contract/batch'
import { conflict, invalidRequest, notFound, SluiceError } from '@sluice/contract/error'
import type { WebhookTarget } from '@sluice/contract/webhook'
import type { Redis } from 'ioredis'
import { resumeQuota } from '../quota/quota-view.ts'
import type { Batches } from '../engine.ts'
import { patchedFields, readBatchMeta } from '../ledger/batch-meta.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { byUser, isOfLane } from '../ledger/pause-reason.ts'
import { noteEvent } from '../ledger/timeline.ts'
import { selectFailed } from '../ledger/select-failed.ts'
import type { Changes } from '../redis/changes.ts'
import type { Keys } from '../redis/keys.ts'
import type { ItemSource } from '../items/take-item.ts'
import type { Admission } from './admission.ts'
import { createBatchId, isBatchId } from './batch-id.ts'
import { noteOnBatch, taskOf } from './batch-steps.ts'
import type { EnqueueBatch } from './enqueue-batch.ts'
import type { BatchFinder } from './find-batch.ts'
import { forgetBatch } from './forget-batch.ts'
import type { Idempotency } from './idempotency.ts'
import { createPreviewRetry } from './preview-retry.ts'
import { createListBatches } from './list-batches.ts'
import { createStageBatch } from './stage-batch.ts'
import { createWatchBatch } from './watch-batch.ts'

export interface BatchesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ledger: Ledger
  readonly changes: Changes
  readonly finder: BatchFinder
  readonly enqueueBatch: EnqueueBatch
  /** Resolves when all earlier writes are on disk. */
  readonly confirm: () => Promise<void>
  readonly admission: Admission
  readonly idempotency: Idempotency
  /** Throws for a webhook that could never be delivered. */
  readonly checkWebhook: (webhook: WebhookTarget | undefined) => void
  readonly items: ItemSource
}

/** Batches that are read in one round trip. */
const readAtOnce = 200

export function createBatches(dependencies: BatchesDependencies): Batches {
  const { redis, keys, ledger, changes, finder, enqueueBatch, confirm, admission, idempotency, checkWebhook } =
    dependencies
  const { find, get } = finder
  const previewRetry = createPreviewRetry({ redis, keys, items: dependencies.items })
  const { stage, seal } = createStageBatch({ redis, keys, admission, idempotency })

  return {
    async create(input, items) {
      admission.checkCost(taskOf(input).lane, input.options.max_cost_usd)
      checkWebhook(input.options.webhook)
      const id = createBatchId(Date.now())
      const claim = input.idempotency
      const store = {
        find,
        metaKey: (of: string) => keys.batch(of).meta,
        finish: async (of: string) => void (await seal(of)),
      }
      const earlier = claim && (await idempotency.take(claim, id, store))
      if (earlier) {
        // Harmless for one that is at work: its process may have died before this step.
        if (!isEnded(earlier.status)) await enqueueBatch(earlier.id)
        return { batch: earlier, created: false }
      }
      try {
        await stage(id, input, items)
        // Before the batch begins: otherwise a crash in between would free the key of a running batch.
        if (claim) await idempotency.settle(claim, id)
      } catch (error) {
        await forget(id, claim)
        throw error
      }
      try {
        await begin(id)
      } catch (error) {
        // With a key, the next request with it begins this batch, which may have begun although Redis did not answer.
        if (claim === undefined || error instanceof SluiceError) await forget(id, claim)
        throw error
      }
      await confirm()
      return { batch: await get(id), created: true }
    },

    get,
    watch: createWatchBatch({ keys, changes, finder }),

    list: createListBatches({ redis, keys, finder }),

    async patch(id, patch) {
      const { lane } = await get(id)
      admission.checkCost(lane, patch.max_cost_usd)
      // The batch may be deleted at any time: then nothing is written, and `get` reports it.
      await noteOnBatch(redis, keys.batch(id), patchedFields(patch), { published: true })
      const changes = Object.entries(patch).map(([name, value]) => `${name}: ${value ?? 'none'}`)
      await noteEvent(redis, keys.batch(id), 'changed', changes.join(', '))
      return get(id)
    },

    async pause(id) {
      requireBatchId(id)
      return after(id, await ledger.pause(id, byUser), 'pause', ['in_progress', 'paused'])
    },

    async resume(id) {
      requireBatchId(id)
      const was = await ledger.resume(id)
      if (was === 'paused' || was === 'in_progress') await start(id)
      return after(id, was, 'resume', ['paused', 'in_progress'])
    },

    async resumeLane(lane) {
      await resumeQuota(redis, keys.lane(lane))
      let count = 0
      for await (const page of redis.sscanStream(keys.activeBatches, { count: readAtOnce })) {
        const ids = page as string[]
        const metas = await Promise.all(ids.map((id) => readBatchMeta(redis, keys.batch(id), 'lane', 'pause_reason')))
        const paused = ids.filter((_, i) => {
          const meta = metas[i]
          return meta?.status === 'paused' && meta.lane === lane && isOfLane(meta.pause_reason)
        })
        // One after the other, each would wait for several writes to disk.
        await Promise.all(
          paused.map(async (id) => {
            if ((await ledger.resume(id)) === 'paused') count += 1
            await start(id)
          }),
        )
      }
      return count
    },

    async cancel(id) {
      requireBatchId(id)
      const was = await ledger.cancel(id)
      // The job that was set aside with the pause comes back, and handles the end.
      if (was === 'paused') await enqueueBatch(id)
      return after(id, was, 'cancel', ['in_progress', 'paused', 'cancelling', 'cancelled'])
    },

    async retry(id, selection) {
      await requireRetriable(id)
      let count = 0
      for await (const indexes of selectFailed(redis, keys.batch(id), selection)) {
        if (indexes.length === 0) continue
        // If this process dies before the end of the retry, the sweeper starts the batch.
        await noteOnBatch(redis, keys.batch(id), { retrying_at: Date.now() })
        await redis.sadd(keys.activeBatches, id)
        const retried = await ledger.retry(id, indexes)
        if (retried === null) throw cancelled(id)
        count += retried
      }
      // Also if no item was left to retry: an earlier request may have died before this point.
      if (!isEnded((await get(id)).status)) await start(id)
      if (count > 0) await noteEvent(redis, keys.batch(id), 'retried', `${count} failed items went back to work`)
      return count
    },

    async previewRetry(id, selection) {
      await requireRetriable(id)
      return previewRetry(id, selection)
    },

    async delete(id) {
      const { status } = await get(id)
      if (!isEnded(status) && status !== 'uploading')
        throw conflict('batch_running', `Batch '${id}' is ${status}: cancel it first, or wait for its end.`)
      await forgetBatch(redis, keys, id)
    },
  }

  async function requireRetriable(id: string): Promise<void> {
    const { status } = await get(id)
    const meta = await readBatchMeta(redis, keys.batch(id), 'from_file')
    if (meta?.from_file) throw fromFile(id)
    if (status === 'cancelled' || status === 'cancelling') throw cancelled(id)
  }

  /** Safe for a batch that is already running. */
  async function begin(id: string): Promise<void> {
    const sealed = await seal(id)
    switch (sealed) {
      case 'sealed':
        return enqueueBatch(id)
      case 'empty':
        throw invalidRequest('invalid_request', 'items: A batch has at least one item.', 'items')
      case 'gone':
        throw removedMeanwhile()
      default:
        return sealed satisfies never
    }
  }

  /** If Redis is away, the sweeper removes the batch later, and the key is freed with it. */
  async function forget(id: string, claim: Parameters<Idempotency['release']>[0] | undefined): Promise<void> {
    await Promise.allSettled([forgetBatch(redis, keys, id), claim && idempotency.release(claim, id)])
  }

  async function start(id: string): Promise<void> {
    await redis.sadd(keys.activeBatches, id)
    await enqueueBatch(id)
  }

  /** The batch after a step that may run in the `allowed` states; `was`: the state that the step found. */
  async function after(id: string, was: string, verb: string, allowed: readonly string[]): Promise<Batch> {
    if (was === 'gone') throw notFound('batch', id)
    if (!allowed.includes(was)) throw conflict('batch_state', `Batch '${id}' is ${was}: it cannot ${verb} now.`)
    return get(id)
  }
}

function requireBatchId(id: string): void {
  if (!isBatchId(id)) throw notFound('batch', id)
}

/** Its output files are final. */
function fromFile(id: string): SluiceError {
  return conflict(
    'batch_from_file',
    `Batch '${id}' runs a file: its results are final. Send the failed lines in a new file.`,
  )
}

function removedMeanwhile(): SluiceError {
  const message = 'The batch was removed while its items arrived: send them again.'
  return new SluiceError('conflict_error', 'batch_removed', message, { retryAfterS: 1 })
}

function cancelled(id: string): SluiceError {
  return conflict('batch_cancelled', `Batch '${id}' was cancelled: its items cannot be retried. Submit them again.`)
}
