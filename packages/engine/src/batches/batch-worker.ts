import { isEnded } from '@sluice/contract/batch'
import { parse } from '@sluice/contract/parse'
import type { ConnectionOptions, Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { selectFields } from '../ledger/batch-meta.ts'
import { batchJob, type BatchJob, batchesQueueName } from '../queues/jobs.ts'
import { createSupervisor, type Supervisor } from '../queues/supervisor.ts'
import type { Keys } from '../redis/keys.ts'
import { repeat } from '../repeat.ts'
import type { HandleBatchEnded } from './batch-ended.ts'
import { noteOnBatch } from './batch-steps.ts'
import type { FeedBatch } from './feeder.ts'
import { createRateMeter } from './rate-meter.ts'

const progressMs = 500
const progressFields = selectFields('total', 'succeeded', 'failed')

export interface BatchWorkerDependencies {
  readonly connection: ConnectionOptions
  readonly redis: Redis
  readonly keys: Keys
  readonly feedBatch: FeedBatch
  readonly handleBatchEnded: HandleBatchEnded
  readonly onError: (error: Error) => void
}

/**
 * Runs the queue `batches`: one durable job per batch, which feeds the batch until it has ended, and then handles its end. Bull Board
 * shows the job's progress. A job whose process dies runs again.
 */
export function createBatchWorker({
  connection,
  redis,
  keys,
  feedBatch,
  handleBatchEnded,
  onError,
}: BatchWorkerDependencies): Supervisor {
  return createSupervisor<BatchJob>({
    name: batchesQueueName,
    prefix: keys.batchesQueuePrefix,
    connection,
    onError,
    async run(job, signal) {
      const { batch_id: batchId } = parse(batchJob.loose(), job.data)
      const stopReporting = reportProgress(job, batchId)
      try {
        await feedBatch(batchId, { signal })
      } finally {
        await stopReporting()
      }
      await handleBatchEnded(batchId)
      return { batch_id: batchId }
    },
  })

  /** Twice a second: percent, counts and rate for Bull Board, and the rates from which the remaining time is estimated. */
  function reportProgress(job: Job<BatchJob>, batchId: string): () => Promise<void> {
    const k = keys.batch(batchId)
    const meter = createRateMeter()
    let last = ''

    const report = async () => {
      const [[, values], [, running]] = (await redis
        .multi()
        .hmget(k.meta, ...progressFields.names)
        .hlen(k.calls)
        .exec()) as [[null, (string | null)[]], [null, number]]
      const meta = progressFields.parse(values)
      if (meta === null || meta.status === 'staging') return
      const { status, total, succeeded, failed } = meta
      const done = succeeded + failed
      const rates = meter.add(Date.now(), done, status === 'in_progress')
      const ended = isEnded(status)
      const counts = { status, total, succeeded, failed, running: ended ? 0 : running }
      const text = JSON.stringify(counts)
      if (text === last) return
      last = text
      // 100 percent only when the batch has ended.
      const percent = ended ? 100 : Math.min(99, Math.floor((100 * done) / Math.max(1, total)))
      await job.updateData({ ...job.data, counts, items_per_second: Math.round(rates.p50 * 10) / 10 })
      await job.updateProgress(percent)
      if (rates.p10 > 0) await noteOnBatch(redis, k, { rate_p50: rates.p50, rate_p10: rates.p10 })
    }
    const reporting = repeat(report, { everyMs: progressMs, first: 'after-interval', onError })

    return async () => {
      await reporting.stop()
      await report().catch(onError)
    }
  }
}
