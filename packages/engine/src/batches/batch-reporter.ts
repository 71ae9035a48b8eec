import { setTimeout as sleep } from 'node:timers/promises'
import { type BatchStatus, isEnded } from '@sluice/contract/batch'
import { parse } from '@sluice/contract/parse'
import type { ConnectionOptions, Job } from 'bullmq'
import type { Redis } from 'ioredis'
import { selectFields } from '../ledger/batch-meta.ts'
import type { ReadLanePulse } from '../lanes/lane-pulse.ts'
import { batchJob, type BatchJob, batchesQueueName, batchLock } from '../queues/jobs.ts'
import { createSupervisor, setAside, type Supervisor } from '../queues/supervisor.ts'
import type { Changes } from '../redis/changes.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import { throwFailure } from '../redis/refusal.ts'
import type { HandleBatchEnded } from './batch-ended.ts'
import { noteOnBatch } from './batch-steps.ts'
import { createRateMeter } from './rate-meter.ts'
import { createSampler } from './sample-batch.ts'

/** Batches that one process reports at once. The others wait in the queue; they are fed nevertheless. */
const reportedAtOnce = 200
const progressMs = 500
/** A batch without changes is read this often. */
const quietMs = 5_000
/** The second one shows from when on nothing changed. */
const samplesAfterChange = 2
const progressFields = selectFields('total', 'succeeded', 'failed')

export interface BatchReporterDependencies {
  readonly connection: ConnectionOptions
  readonly gate: RedisGate
  readonly redis: Redis
  readonly keys: Keys
  readonly changes: Changes
  readonly handleBatchEnded: HandleBatchEnded
  readonly readPulse: ReadLanePulse
  readonly onError: (error: Error) => void
}

/**
 * Runs the queue `batches`: one durable job per batch, whose progress Bull Board shows and which handles the batch's end. It does not
 * feed: that is the lane's feeder. The job of a paused batch is set aside until the batch resumes.
 */
export function createBatchReporter(dependencies: BatchReporterDependencies): Supervisor {
  const { connection, keys, changes, handleBatchEnded, onError } = dependencies
  return createSupervisor<BatchJob>({
    name: batchesQueueName,
    prefix: keys.batchesQueuePrefix,
    connection,
    atOnce: reportedAtOnce,
    times: batchLock,
    gate: dependencies.gate,
    onError,
    async run(job, signal) {
      const { batch_id: batchId } = parse(batchJob.loose(), job.data)
      using changed = await changes.listen(keys.batch(batchId).changes)
      const report = createReport(dependencies, job, batchId)
      const sample = createSampler(dependencies, batchId)
      let samplesLeft = samplesAfterChange
      for (;;) {
        signal.throwIfAborted()
        const { status, hasChanged } = await report()
        if (hasChanged) samplesLeft = samplesAfterChange
        // For people to look at: the batch goes on without. A batch that waits for its turn costs no samples.
        if (status !== null && samplesLeft > 0) await sample(isEnded(status)).catch(onError)
        samplesLeft -= 1
        if (status === 'paused') return setAside
        if (status === null || isEnded(status)) break
        const reportedAt = performance.now()
        await changed.wait(quietMs, signal)
        await sleep(Math.max(0, reportedAt + progressMs - performance.now()), undefined, { signal }).catch(() => {})
      }
      await handleBatchEnded(batchId)
      return { batch_id: batchId }
    },
  })
}

/**
 * Writes percent, counts and rate for Bull Board, and the rates from which the remaining time is estimated. Returns the status, null if
 * there is no such batch, and whether anything has changed since the last time.
 */
function createReport(
  { redis, keys }: Pick<BatchReporterDependencies, 'redis' | 'keys'>,
  job: Job<BatchJob>,
  batchId: string,
): () => Promise<{ readonly status: BatchStatus | null; readonly hasChanged: boolean }> {
  const k = keys.batch(batchId)
  const meter = createRateMeter()
  let last = ''
  let lastDone: number | undefined

  return async () => {
    const replies = await redis
      .pipeline()
      .hmget(k.meta, ...progressFields.names)
      .hlen(k.calls)
      .exec()
    throwFailure(replies)
    const [[, values], [, running]] = replies as [[null, (string | null)[]], [null, number]]
    const meta = progressFields.parse(values)
    if (meta === null || meta.status === 'staging') return { status: null, hasChanged: false }
    const { status, total, succeeded, failed } = meta
    const done = succeeded + failed
    const rates = meter.add(Date.now(), done, status === 'in_progress')
    const ended = isEnded(status)
    const counts = { status, total, succeeded, failed, running: ended ? 0 : running }
    const text = JSON.stringify(counts)
    if (text === last) return { status, hasChanged: false }
    last = text
    // 100 percent only when the batch has ended.
    const percent = ended ? 100 : Math.min(99, Math.floor((100 * done) / Math.max(1, total)))
    await job.updateData({ ...job.data, counts, items_per_second: Math.round(rates.p50 * 10) / 10 })
    await job.updateProgress(percent)
    // Also without a rate: another process may have measured it, and its items wait for the locks of that process.
    const progress = done === lastDone ? {} : { progress_at: Date.now(), progress_done: done }
    const measured = rates.p10 > 0 ? { rate_p50: rates.p50, rate_p10: rates.p10 } : {}
    const noted = { ...measured, ...progress }
    if (Object.keys(noted).length > 0) await noteOnBatch(redis, k, noted)
    lastDone = done
    return { status, hasChanged: true }
  }
}
