import { type Batch, isEnded } from '@sluice/contract/batch'
import { conflict, notFound, type SluiceError } from '@sluice/contract/error'
import type { WebhookTarget } from '@sluice/contract/webhook'
import type { Redis } from 'ioredis'
import { resumeQuota } from '../quota/quota-view.ts'
import type { Batches } from '../engine.ts'
import { patchedFields, readBatchMeta } from '../ledger/batch-meta.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { byUser, isOfLane } from '../ledger/pause-reason.ts'
import { selectFailed } from '../ledger/select-failed.ts'
import type { Changes } from '../redis/changes.ts'
import type { Keys } from '../redis/keys.ts'
import type { Admission } from './admission.ts'
import { createBatchId, isBatchId } from './batch-id.ts'
import { noteOnBatch, taskOf } from './batch-steps.ts'
import type { EnqueueBatch } from './enqueue-batch.ts'
import type { BatchFinder } from './find-batch.ts'
import { forgetBatch } from './forget-batch.ts'
import type { Idempotency } from './idempotency.ts'
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
}

/** Batches that are read in one round trip. */
const readAtOnce = 200

export function createBatches(dependencies: BatchesDependencies): Batches {
  const { redis, keys, ledger, changes, finder, enqueueBatch, confirm, admission, idempotency, checkWebhook } =
    dependencies
  const { find, get } = finder
  const stage = createStageBatch({ redis, keys, admission, idempotency })

  return {
    async create(input, items) {
      admission.checkCost(taskOf(input).lane, input.options.max_cost_usd)
      checkWebhook(input.options.webhook)
      const id = createBatchId(Date.now())
      const claim = input.idempotency
      const earlier = claim && (await idempotency.take(claim, id, { find, metaKey: (of) => keys.batch(of).meta }))
      if (earlier) return { batch: earlier, created: false }
      try {
        await stage(id, input, items)
      } catch (error) {
        // If Redis is away, the sweeper removes the batch later, and the key is freed with it.
        await Promise.allSettled([forgetBatch(redis, keys, id), claim && idempotency.release(claim, id)])
        throw error
      }
      await enqueueBatch(id)
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
      const { status } = await get(id)
      const meta = await readBatchMeta(redis, keys.batch(id), 'from_file')
      if (meta?.from_file) throw fromFile(id)
      if (status === 'cancelled' || status === 'cancelling') throw cancelled(id)
      let count = 0
      for await (const indexes of selectFailed(redis, keys.batch(id), selection)) {
        if (selection.dry_run) {
          count += indexes.length
          continue
        }
        // If this process dies before the end of the retry, the sweeper starts the batch.
        await noteOnBatch(redis, keys.batch(id), { retrying_at: Date.now() })
        await redis.sadd(keys.activeBatches, id)
        const retried = await ledger.retry(id, indexes)
        if (retried === null) throw cancelled(id)
        count += retried
      }
      // Also if no item was left to retry: an earlier request may have died before this point.
      if (!selection.dry_run && !isEnded((await get(id)).status)) await start(id)
      return count
    },

    async delete(id) {
      const { status } = await get(id)
      if (!isEnded(status) && status !== 'uploading')
        throw conflict('batch_running', `Batch '${id}' is ${status}: cancel it first, or wait for its end.`)
      await forgetBatch(redis, keys, id)
    },
  }

  /** Safe for a batch that is already running. */
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

function cancelled(id: string): SluiceError {
  return conflict('batch_cancelled', `Batch '${id}' was cancelled: its items cannot be retried. Submit them again.`)
}
