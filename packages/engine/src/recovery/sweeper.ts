import type { Redis } from 'ioredis'
import type { HandleBatchEnded } from '../batches/batch-ended.ts'
import { forgetBatch } from '../batches/forget-batch.ts'
import type { Retention } from '../batches/retention.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import { repeat, type Repeating } from '../repeat.ts'
import type { EnqueueBatch } from '../batches/enqueue-batch.ts'
import { abandonedMs } from '../batches/stage-batch.ts'
import type { EnqueueSummary } from '../summaries/summary-job.ts'
import type { SummaryStore } from '../summaries/summary-store.ts'

/** How often one of all processes sweeps. Bounds how long a batch waits whose process died between storing and starting it. */
const sweepMs = 5_000

export interface SweeperDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly enqueueBatch: EnqueueBatch
  readonly handleBatchEnded: HandleBatchEnded
  readonly retention: Retention
  readonly summaries: SummaryStore
  readonly enqueueSummary: EnqueueSummary
  /** Null: ended summaries are kept for ever. */
  readonly retentionMs: number | null
  readonly onError: (error: Error) => void
}

/**
 * Repairs what a process leaves that dies at the wrong moment: batches and summaries without their job, ends of batches that were not
 * handled, and staged items that will never be sealed. Removes batches and summaries that ended longer ago than `retentionMs`.
 */
export function createSweeper(dependencies: SweeperDependencies): Repeating {
  const { redis, keys, enqueueBatch, handleBatchEnded, retention, summaries, enqueueSummary, retentionMs, onError } =
    dependencies

  async function sweep(): Promise<void> {
    if ((await redis.set(keys.sweepLease, '1', 'PX', sweepMs - 500, 'NX')) === null) return
    for (const id of await redis.smembers(keys.activeBatches)) await sweepActiveBatch(id)
    for (const id of await redis.smembers(keys.activeSummaries)) await sweepActiveSummary(id)
    const abandoned = await redis.zrangebyscore(keys.stagingBatches, '-inf', Date.now() - abandonedMs)
    for (const id of abandoned) await sweepStaging(id)
    await retention.removeExpired()
    if (retentionMs === null) return
    const expiredAt = Date.now() - retentionMs
    for (const id of await redis.zrangebyscore(keys.endedSummaries, '-inf', expiredAt)) await sweepEndedSummary(id)
  }

  async function sweepActiveBatch(id: string): Promise<void> {
    const status = (await readBatchMeta(redis, keys.batch(id)))?.status ?? 'gone'
    switch (status) {
      case 'staging':
      case 'uploading':
        return
      case 'in_progress':
      case 'paused':
      case 'cancelling':
        return enqueueBatch(id)
      case 'completed':
      case 'cancelled':
      case 'gone':
        // A consumer that fails must not stop the sweep: the batch stays active, and the next sweep tries again.
        await handleBatchEnded(id).catch(onError)
        return
      default:
        status satisfies never
    }
  }

  async function sweepActiveSummary(id: string): Promise<void> {
    const meta = await summaries.read(id)
    const status = meta?.status ?? 'gone'
    switch (status) {
      case 'staging':
        return
      case 'in_progress':
        return enqueueSummary(id)
      case 'completed':
      case 'failed':
      case 'cancelled': {
        const endedAt = meta?.finishedAt ?? Date.now()
        await redis.multi().zadd(keys.endedSummaries, endedAt, id).srem(keys.activeSummaries, id).exec()
        return
      }
      case 'gone':
        await redis.srem(keys.activeSummaries, id)
        return
      default:
        status satisfies never
    }
  }

  async function sweepStaging(id: string): Promise<void> {
    const meta = await readBatchMeta(redis, keys.batch(id), 'summary')
    if (meta?.status !== 'staging' && meta?.status !== 'uploading') await redis.zrem(keys.stagingBatches, id)
    // The job of a summary begins the batch of its level, however late.
    else if (!meta.summary || (await summaries.read(meta.summary))?.status !== 'in_progress')
      await forgetBatch(redis, keys, id)
  }

  async function sweepEndedSummary(id: string): Promise<void> {
    if ((await summaries.read(id))?.status === 'in_progress') await redis.zrem(keys.endedSummaries, id)
    else await summaries.forget(id)
  }

  return repeat(sweep, { everyMs: sweepMs, first: 'at-once', onError })
}
