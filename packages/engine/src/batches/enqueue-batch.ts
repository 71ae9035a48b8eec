import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import { batchJobId, batchJobName, supervisorJobOptions } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'

export type EnqueueBatch = (batchId: string) => Promise<void>

export interface EnqueueBatchDependencies {
  readonly redis: Redis
  readonly keys: Keys
  /** The queue `batches`. */
  readonly queue: Queue
}

/** Adds the job that feeds a batch. Its id holds the batch's round, so adding it again does nothing. */
export function createEnqueueBatch({ redis, keys, queue }: EnqueueBatchDependencies): EnqueueBatch {
  return async (batchId) => {
    const meta = await readBatchMeta(redis, keys.batch(batchId), 'label', 'lane', 'total', 'round')
    if (meta === null) return
    const { label, lane, total, round } = meta
    await queue.add(
      batchJobName(label, total),
      { batch_id: batchId, extractor: label, lane },
      { ...supervisorJobOptions, jobId: batchJobId(batchId, String(round)) },
    )
  }
}
