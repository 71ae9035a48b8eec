import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { createReadyBatches } from '../lanes/ready-batches.ts'
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

/**
 * Lets the lane feed a batch, and adds the job that shows it. Harmless for a batch that is at work: the job's id holds the batch's
 * round, so adding it again does nothing. A job that was set aside while its batch was paused comes back.
 */
export function createEnqueueBatch({ redis, keys, queue }: EnqueueBatchDependencies): EnqueueBatch {
  return async (batchId) => {
    const meta = await readBatchMeta(redis, keys.batch(batchId), 'label', 'lane', 'total', 'round', 'direct')
    if (meta === null) return
    const { status, label, lane, total, round, direct } = meta
    if (status === 'in_progress') await createReadyBatches({ redis, keys, lane }).mark(batchId)
    if (direct) return
    const jobId = batchJobId(batchId, String(round))
    const job = await readJob(jobId)
    if (job === 'waits-or-runs') return
    const data = { batch_id: batchId, extractor: label, lane }
    const add = () => queue.add(batchJobName(label, total), data, { ...supervisorJobOptions, jobId })
    if (job === 'none') await add()
    // Another process may have promoted it.
    if (job === 'delayed' && status !== 'paused') await (await queue.getJob(jobId))?.promote().catch(() => {})
    // A failover rolled the batch back to before the end of its job, whose id makes the new job a duplicate.
    if (job === 'ended' && (status === 'in_progress' || status === 'cancelling')) {
      await queue.remove(jobId)
      await add()
    }
  }

  /** One command, because the sweeper asks for each batch: to add the job again and ask for its state takes some twenty. */
  async function readJob(jobId: string): Promise<'none' | 'waits-or-runs' | 'delayed' | 'ended'> {
    const [addedAt, finishedOn, delay] = await redis.hmget(queue.toKey(jobId), 'timestamp', 'finishedOn', 'delay')
    if (!addedAt) return 'none'
    if (finishedOn) return 'ended'
    return Number(delay) > 0 ? 'delayed' : 'waits-or-runs'
  }
}
