import { isEnded, type BatchStatus } from '@sluice/contract/batch'
import type { Redis } from 'ioredis'
import { forgetBatch } from '../batches/forget-batch.ts'
import type { Keys } from '../redis/keys.ts'
import { type StartBatch, stagingLeftMs } from '../batches/begin-batch.ts'
import { forgetSummary } from '../summaries/forget-summary.ts'
import type { StartSummary } from '../summaries/start-summary.ts'
import type { StoredStatus } from '../summaries/summary-meta.ts'

/** How often one process of all looks. Bounds how long a batch waits whose maker died between storing and starting it. */
const sweepMs = 5_000
/** A retry says so with each page of items. */
const retryingMs = 60_000

/**
 * Mends what a death at the wrong moment leaves: batches and summaries without their job, and staged items that nobody will seal.
 * And removes batches and summaries that ended longer ago than `retentionMs` (null: never).
 */
export function startSweeper(dependencies: {
  readonly redis: Redis
  readonly keys: Keys
  readonly startBatch: StartBatch
  readonly startSummary: StartSummary
  readonly retentionMs: number | null
  readonly onError: (error: Error) => void
}): { stop(): Promise<void> } {
  const { redis, keys, startBatch, startSummary, retentionMs, onError } = dependencies
  let busy: Promise<void> = Promise.resolve()

  const sweep = async () => {
    if ((await redis.set(keys.sweepLease, '1', 'PX', sweepMs - 500, 'NX')) === null) return
    for (const id of await redis.smembers(keys.activeBatches)) await sweepActive(id)
    for (const id of await redis.smembers(keys.activeSummaries)) await sweepActiveSummary(id)
    const left = await redis.zrangebyscore(keys.stagingBatches, '-inf', Date.now() - stagingLeftMs)
    for (const id of left) {
      const [status, summary] = await redis.hmget(keys.batch(id).meta, 'status', 'summary')
      if (status !== 'staging' && status !== 'uploading') await redis.zrem(keys.stagingBatches, id)
      // A summary's job begins its batch, however late.
      else if (!summary || (await summaryStatusOf(summary)) !== 'in_progress') await forgetBatch(redis, keys, id)
    }
    if (retentionMs === null) return
    for (const id of await redis.zrangebyscore(keys.endedBatches, '-inf', Date.now() - retentionMs)) {
      const status = await statusOf(id)
      // A batch may be at work again since: its failed items were retried.
      if (status === null || isEnded(status as BatchStatus)) await forgetBatch(redis, keys, id)
      else await redis.zrem(keys.endedBatches, id)
    }
    for (const id of await redis.zrangebyscore(keys.endedSummaries, '-inf', Date.now() - retentionMs)) {
      if ((await summaryStatusOf(id)) === 'in_progress') await redis.zrem(keys.endedSummaries, id)
      else await forgetSummary(redis, keys, id)
    }
  }

  const statusOf = (id: string) => redis.hget(keys.batch(id).meta, 'status')
  const summaryStatusOf = (id: string) => redis.hget(keys.summary(id).meta, 'status')

  const sweepActive = async (id: string) => {
    const [status, finishedAt, retryingAt, summary] = await redis.hmget(
      keys.batch(id).meta,
      'status',
      'finished_at',
      'retrying_at',
      'summary',
    )
    if (status === 'staging' || status === 'uploading') return
    if (status === null || status === undefined) await redis.srem(keys.activeBatches, id)
    // It goes with its summary.
    else if (isEnded(status as BatchStatus) && summary) await redis.srem(keys.activeBatches, id)
    else if (isEnded(status as BatchStatus)) {
      // About to be at work again: should the one who retries die, it must be found here.
      if (Date.now() - Number(retryingAt) < retryingMs) return
      await redis.multi().zadd(keys.endedBatches, Number(finishedAt), id).srem(keys.activeBatches, id).exec()
    } else await startBatch(id)
  }

  const sweepActiveSummary = async (id: string) => {
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

  const timer = setInterval(() => {
    busy = busy.then(sweep).catch(onError)
  }, sweepMs)
  busy = sweep().catch(onError)

  return {
    async stop() {
      clearInterval(timer)
      await busy
    },
  }
}
