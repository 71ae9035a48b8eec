import { isEnded, type BatchStatus } from '@sluice/contract/batch'
import type { Redis } from 'ioredis'
import { forgetBatch } from '../batches/forget-batch.ts'
import type { Keys } from '../redis/keys.ts'
import { repeat, type Repeating } from '../repeat.ts'
import { type StartBatch, stagingLeftMs } from '../batches/begin-batch.ts'
import { forgetSummary } from '../summaries/forget-summary.ts'
import type { StartSummary } from '../summaries/start-summary.ts'
import type { StoredStatus } from '../summaries/summary-meta.ts'

/** How often one of all processes sweeps. Bounds how long a batch waits whose process died between storing and starting it. */
const sweepMs = 5_000
/** A retry of failed items renews its mark with each page of items. */
const retryingMs = 60_000

export interface SweeperDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly startBatch: StartBatch
  readonly startSummary: StartSummary
  /** Null: ended batches and summaries are kept for ever. */
  readonly retentionMs: number | null
  readonly onError: (error: Error) => void
}

/**
 * Repairs what a process leaves that dies at the wrong moment: batches and summaries without their job, and staged items that will
 * never be sealed. Removes batches and summaries that ended longer ago than `retentionMs`.
 */
export function createSweeper(dependencies: SweeperDependencies): Repeating {
  const { redis, keys, startBatch, startSummary, retentionMs, onError } = dependencies

  async function sweep(): Promise<void> {
    if ((await redis.set(keys.sweepLease, '1', 'PX', sweepMs - 500, 'NX')) === null) return
    for (const id of await redis.smembers(keys.activeBatches)) await sweepActiveBatch(id)
    for (const id of await redis.smembers(keys.activeSummaries)) await sweepActiveSummary(id)
    const abandoned = await redis.zrangebyscore(keys.stagingBatches, '-inf', Date.now() - stagingLeftMs)
    for (const id of abandoned) await sweepStaging(id)
    if (retentionMs === null) return
    const expiredAt = Date.now() - retentionMs
    for (const id of await redis.zrangebyscore(keys.endedBatches, '-inf', expiredAt)) await sweepEndedBatch(id)
    for (const id of await redis.zrangebyscore(keys.endedSummaries, '-inf', expiredAt)) await sweepEndedSummary(id)
  }

  async function sweepActiveBatch(id: string): Promise<void> {
    const [status, finishedAt, retryingAt, summary] = await redis.hmget(
      keys.batch(id).meta,
      'status',
      'finished_at',
      'retrying_at',
      'summary',
    )
    if (status === 'staging' || status === 'uploading') return
    if (status === null || status === undefined) await redis.srem(keys.activeBatches, id)
    // The batch of a summary's level is removed together with the summary.
    else if (isEnded(status as BatchStatus) && summary) await redis.srem(keys.activeBatches, id)
    else if (isEnded(status as BatchStatus)) {
      // Its failed items are being retried. If that process dies, the batch must be found here.
      if (Date.now() - Number(retryingAt) < retryingMs) return
      await redis.multi().zadd(keys.endedBatches, Number(finishedAt), id).srem(keys.activeBatches, id).exec()
    } else await startBatch(id)
  }

  async function sweepActiveSummary(id: string): Promise<void> {
    const [found = null, finishedAt] = await redis.hmget(keys.summary(id).meta, 'status', 'finishedAt')
    const status = found as StoredStatus | null
    switch (status) {
      case 'staging':
        return
      case 'in_progress':
        await startSummary(id)
        return
      case 'completed':
      case 'failed':
      case 'cancelled':
        await redis.multi().zadd(keys.endedSummaries, Number(finishedAt), id).srem(keys.activeSummaries, id).exec()
        return
      case null:
        await redis.srem(keys.activeSummaries, id)
        return
      default:
        status satisfies never
    }
  }

  async function sweepStaging(id: string): Promise<void> {
    const [status, summary] = await redis.hmget(keys.batch(id).meta, 'status', 'summary')
    if (status !== 'staging' && status !== 'uploading') await redis.zrem(keys.stagingBatches, id)
    // The job of a summary begins the batch of its level, however late.
    else if (!summary || (await summaryStatusOf(summary)) !== 'in_progress') await forgetBatch(redis, keys, id)
  }

  async function sweepEndedBatch(id: string): Promise<void> {
    const status = await redis.hget(keys.batch(id).meta, 'status')
    // A batch whose failed items were retried is in progress again.
    if (status === null || isEnded(status as BatchStatus)) await forgetBatch(redis, keys, id)
    else await redis.zrem(keys.endedBatches, id)
  }

  async function sweepEndedSummary(id: string): Promise<void> {
    if ((await summaryStatusOf(id)) === 'in_progress') await redis.zrem(keys.endedSummaries, id)
    else await forgetSummary(redis, keys, id)
  }

  function summaryStatusOf(id: string): Promise<string | null> {
    return redis.hget(keys.summary(id).meta, 'status')
  }

  return repeat(sweep, { everyMs: sweepMs, first: 'at-once', onError })
}
