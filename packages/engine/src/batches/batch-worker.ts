import { isEnded } from '@sluice/contract/batch'
import { parse } from '@sluice/contract/parse'
import type { ConnectionOptions, Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { noteOnBatch } from './batch-steps.ts'
import type { FeedBatch } from './feeder.ts'
import { batchJob, type BatchJob, batchesQueueName } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'
import { createRateMeter } from './rate-meter.ts'
import { createSupervisor, type Supervisor } from '../queues/supervisor.ts'

const progressMs = 500

/** Runs the `batches` queue: one durable job per batch, which feeds it and whose progress Bull Board shows. */
export function createBatchWorker(dependencies: {
  readonly connection: ConnectionOptions
  readonly redis: Redis
  readonly keys: Keys
  readonly feedBatch: FeedBatch
  readonly onError: (error: Error) => void
}): Supervisor {
  const { connection, redis, keys, feedBatch, onError } = dependencies

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
      return { batch_id: batchId }
    },
  })

  /** Twice a second: percent for the ring, counts and rate for the card; and the rates from which the time left is told. */
  function reportProgress(job: Job<BatchJob>, batchId: string): () => Promise<void> {
    const k = keys.batch(batchId)
    const meter = createRateMeter()
    let last = ''
    let busy: Promise<void> = Promise.resolve()

    const report = async () => {
      const [[, fields], [, running]] = (await redis
        .multi()
        .hmget(k.meta, 'status', 'total', 'succeeded', 'failed')
        .hlen(k.calls)
        .exec()) as [[null, (string | null)[]], [null, number]]
      const [status, ...numbers] = fields
      if (!status) return
      const [total = 0, succeeded = 0, failed = 0] = numbers.map(Number)
      const rates = meter.add(Date.now(), succeeded + failed, status === 'in_progress')
      const ended = isEnded(status as never)
      const counts = { status, total, succeeded, failed, running: ended ? 0 : running }
      const text = JSON.stringify(counts)
      if (text === last) return
      last = text
      // A percent that only reads 100 when all is done.
      const percent = ended ? 100 : Math.min(99, Math.floor((100 * (succeeded + failed)) / Math.max(1, total)))
      await job.updateData({ ...job.data, counts, items_per_second: Math.round(rates.p50 * 10) / 10 })
      await job.updateProgress(percent)
      if (rates.p10 > 0) {
        await noteOnBatch(redis, k, { rate_p50: rates.p50.toFixed(4), rate_p10: rates.p10.toFixed(4) })
      }
    }
    const timer = setInterval(() => {
      busy = busy.then(report).catch(onError)
    }, progressMs)

    return async () => {
      clearInterval(timer)
      await busy
      await report().catch(onError)
    }
  }
}
