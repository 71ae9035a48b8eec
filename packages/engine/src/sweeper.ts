import { isEnded, type BatchStatus } from '@sluice/contract/batch'
import type { Redis } from 'ioredis'
import type { Keys } from './keys.ts'
import type { StartBatch } from './start-batch.ts'

/** How often one process of all looks. Bounds how long a batch waits whose maker died between storing and starting it. */
const sweepMs = 5_000
/** A batch that got no block for this long was left by its maker. */
const stagingLeftMs = 10 * 60_000

/** Mends what a death at the wrong moment leaves: batches without their feeding job, and staged items that nobody will seal. */
export function startSweeper(dependencies: {
  readonly redis: Redis
  readonly keys: Keys
  readonly startBatch: StartBatch
  readonly onError: (error: Error) => void
}): { stop(): Promise<void> } {
  const { redis, keys, startBatch, onError } = dependencies
  let busy: Promise<void> = Promise.resolve()

  const sweep = async () => {
    if ((await redis.set(keys.sweepLease, '1', 'PX', sweepMs - 500, 'NX')) === null) return
    for (const id of await redis.smembers(keys.activeBatches)) {
      const status = await redis.hget(keys.batch(id).meta, 'status')
      if (status === 'staging') continue
      if (status === null || isEnded(status as BatchStatus)) await redis.srem(keys.activeBatches, id)
      else await startBatch(id)
    }
    for (const id of await redis.zrangebyscore(keys.stagingBatches, '-inf', Date.now() - stagingLeftMs)) {
      const { wake: _, ...stored } = keys.batch(id)
      if ((await redis.hget(stored.meta, 'status')) === 'staging') {
        await redis.unlink(...Object.values(stored))
        await redis.multi().zrem(keys.allBatches, id).srem(keys.activeBatches, id).exec()
      }
      await redis.zrem(keys.stagingBatches, id)
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
