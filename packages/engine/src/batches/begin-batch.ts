import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { batchJobId, batchJobName, supervisorJobOptions } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'

/** A staged batch that got no block for this long was abandoned by its sender. */
export const stagingLeftMs = 10 * 60_000

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
      { ...supervisorJobOptions, jobId: batchJobId(batchId, round) },
    )
  }
}
