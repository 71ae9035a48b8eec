import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { batchJobId, batchJobName, wholeJobOptions } from './jobs.ts'
import type { Keys } from './keys.ts'

export type StartBatch = (batchId: string) => Promise<void>

/** Puts the job that feeds a batch in the `batches` queue. Its id is of the batch's round: adding it again does nothing. */
export function createStartBatch(redis: Redis, keys: Keys, batches: Queue): StartBatch {
  return async (batchId) => {
    const [label = '', lane = '', total, round] = await redis.hmget(
      keys.batch(batchId).meta,
      'label',
      'lane',
      'total',
      'round',
    )
    if (!round) return
    await batches.add(
      batchJobName(label ?? '', Number(total)),
      { batch_id: batchId, extractor: label, lane },
      { ...wholeJobOptions, jobId: batchJobId(batchId, round) },
    )
  }
}
