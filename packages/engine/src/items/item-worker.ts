import { parse } from '@sluice/contract/parse'
import { type ConnectionOptions, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import { backoffMs } from './decide.ts'
import { itemJob, laneQueueName } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'
import type { Run } from '../ledger/run.ts'
import type { AbortReason } from './run-end.ts'
import type { RunItem } from './run-item.ts'

/**
 * A dead worker's jobs run again after at most lock + scan = 25 s (58.8 s with BullMQ's defaults), any number of times.
 * The lock is renewed every quarter of its time.
 */
const lockMs = 15_000
const stalledScanMs = 10_000
const killsAllowed = 1_000_000

/** Thrown to BullMQ for a run that shall be repeated: it moves the job to `delayed` for `delayMs` and shows the message. */
class RetryLater extends Error {
  override readonly name = 'RetryLater'
  readonly delayMs: number
  constructor(message: string, delayMs: number) {
    super(message)
    this.delayMs = delayMs
  }
}

export interface ItemWorkerOptions {
  readonly connection: ConnectionOptions
  readonly keys: Keys
  readonly lane: string
  readonly concurrency: number
  /** The coarse guard over all workers of the lane: jobs started in a window of `duration` ms. `queue.rateLimit()` needs one to be there. */
  readonly limiter: { max: number; duration: number }
  readonly runItem: RunItem
  readonly onError: (error: Error) => void
}

export interface ItemWorker {
  /** Aborts the running items of these batches. */
  abortBatches(batchIds: ReadonlySet<string>): void
  /** Batches that have items running here. */
  runningBatches(): Set<string>
  /** Takes no more jobs, lets running ones end for `graceMs`, then hands the rest back to the queue. A second call may shorten the grace. */
  close(graceMs: number): Promise<void>
}

export function createItemWorker({
  connection,
  keys,
  lane,
  concurrency,
  limiter,
  runItem,
  onError,
}: ItemWorkerOptions): ItemWorker {
  const running = new Map<string, string>()
  const worker = new Worker(
    laneQueueName(lane),
    // BullMQ passes the signal only to a processor that declares three parameters.
    async (job, token, signal) => {
      const { batch_id, index, feed } = parse(itemJob, job.data)
      const jobId = job.id ?? ''
      running.set(jobId, batch_id)
      try {
        const run: Run = { batchId: batch_id, index, feed, token: `${token}:${job.attemptsStarted}` }
        const end = await runItem(run, { signal: signal ?? new AbortController().signal })
        switch (end.type) {
          case 'succeeded':
          case 'dropped':
            return { ended: end.type }
          case 'failed':
            // Its result is recorded: this only puts the job where Bull Board shows failures.
            throw new UnrecoverableError(end.message)
          case 'retry':
            throw new RetryLater(end.message, end.delayMs)
          case 'threw':
            onError(end.error)
            throw new RetryLater(end.error.message, end.delayMs)
          case 'handed-back':
            await job.moveToWait(token)
            throw new WaitingError()
          default:
            return end satisfies never
        }
      } finally {
        running.delete(jobId)
      }
    },
    {
      connection,
      prefix: keys.laneQueuePrefix(lane),
      concurrency,
      limiter,
      lockDuration: lockMs,
      lockRenewTime: lockMs / 2,
      stalledInterval: stalledScanMs,
      maxStalledCount: killsAllowed,
      // After a failed fetch; the default of 15 s would be felt after every Redis restart.
      runRetryDelay: 1_000,
      settings: {
        backoffStrategy: (attempt, _type, error) =>
          // Anything else is broken infrastructure or a bug: tried again, ever more slowly.
          error instanceof RetryLater
            ? error.delayMs
            : 500 + backoffMs(Math.min(attempt, 10), { baseMs: 500, capMs: 30_000 }, Math.random),
      },
    },
  )
  worker.on('error', onError)
  worker.on('failed', (_job, error) => {
    if (!(error instanceof RetryLater || error instanceof UnrecoverableError)) onError(error)
  })
  const abort = (jobId: string, reason: AbortReason) => worker.cancelJob(jobId, reason)
  // Losing the lock does not stop the processor by itself, and the job would run twice.
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const jobId of jobIds) abort(jobId, 'lock-lost')
  })

  let closed: Promise<void> | undefined

  return {
    abortBatches(batchIds) {
      for (const [jobId, batchId] of running) if (batchIds.has(batchId)) abort(jobId, 'batch-cancelled')
    },
    runningBatches: () => new Set(running.values()),
    async close(graceMs) {
      closed ??= worker.close()
      const timer = setTimeout(() => worker.cancelAllJobs('shutdown' satisfies AbortReason), graceMs)
      try {
        await closed
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
