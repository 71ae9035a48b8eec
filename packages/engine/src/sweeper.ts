import { isEnded, type BatchStatus } from '@sluice/contract/batch'
import type { Redis } from 'ioredis'
import { forgetBatch } from './forget-batch.ts'
import type { Keys } from './keys.ts'
import type { StartBatch } from './start-batch.ts'

/** How often one process of all looks. Bounds how long a batch waits whose maker died between storing and starting it. */
const sweepMs = 5_000
/** A batch that got no block for this long was left by its maker. */
export const stagingLeftMs = 10 * 60_000
/** A retry says so with each page of items. */
const retryingMs = 60_000

/**
 * Mends what a death at the wrong moment leaves: batches without their feeding job, and staged items that nobody will seal.
 * And removes batches that ended longer ago than `retentionMs` (null: never).
 */
export function startSweeper(dependencies: {
  readonly redis: Redis
  readonly keys: Keys
  readonly startBatch: StartBatch
  readonly retentionMs: number | null
  readonly onError: (error: Error) => void
}): { stop(): Promise<void> } {
  const { redis, keys, startBatch, retentionMs, onError } = dependencies
  let busy: Promise<void> = Promise.resolve()

  const sweep = async () => {
    if ((await redis.set(keys.sweepLease, '1', 'PX', sweepMs - 500, 'NX')) === null) return
    for (const id of await redis.smembers(keys.activeBatches)) await sweepActive(id)
    const left = await redis.zrangebyscore(keys.stagingBatches, '-inf', Date.now() - stagingLeftMs)
    for (const id of left) {
      if (['staging', 'uploading'].includes((await statusOf(id)) ?? '')) await forgetBatch(redis, keys, id)
      else await redis.zrem(keys.stagingBatches, id)
    }
    if (retentionMs === null) return
    for (const id of await redis.zrangebyscore(keys.endedBatches, '-inf', Date.now() - retentionMs)) {
      const status = await statusOf(id)
      // A batch may be at work again since: its failed items were retried.
      if (status === null || isEnded(status as BatchStatus)) await forgetBatch(redis, keys, id)
      else await redis.zrem(keys.endedBatches, id)
    }
  }

  const statusOf = (id: string) => redis.hget(keys.batch(id).meta, 'status')

  const sweepActive = async (id: string) => {
    const [status, finishedAt, retryingAt] = await redis.hmget(
      keys.batch(id).meta,
      'status',
      'finished_at',
      'retrying_at',
    )
    if (status === 'staging' || status === 'uploading') return
    if (status === null || status === undefined) await redis.srem(keys.activeBatches, id)
    else if (isEnded(status as BatchStatus)) {
      // About to be at work again: should the one who retries die, it must be found here.
      if (Date.now() - Number(retryingAt) < retryingMs) return
      await redis.multi().zadd(keys.endedBatches, Number(finishedAt), id).srem(keys.activeBatches, id).exec()
    } else await startBatch(id)
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
