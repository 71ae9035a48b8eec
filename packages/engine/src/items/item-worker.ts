import { parse } from '@sluice/contract/parse'
import { type ConnectionOptions, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import { backoffMs } from './decide.ts'
import { itemJob, itemLockMs, itemScanMs, laneQueueName } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'
import type { Run } from '../ledger/run.ts'
import type { AbortReason, RunEnd } from './run-end.ts'
import type { RunItem } from './run-item.ts'

const killsAllowed = 1_000_000

/** Thrown to BullMQ so that it moves the job to `delayed` for `delayMs` and shows the message. */
class RetryLater extends Error {
  override readonly name = 'RetryLater'
  readonly delayMs: number
  constructor(message: string, delayMs: number) {
    super(message)
    this.delayMs = delayMs
  }
}

export interface ItemWorkerDependencies {
  readonly connection: ConnectionOptions
  readonly keys: Keys
  readonly lane: string
  readonly concurrency: number
  /** Jobs that all workers of the lane start in `duration` ms at most: a coarse guard. */
  readonly limiter: { max: number; duration: number }
  readonly runItem: RunItem
  /** A job left the queue, or waits in it again. */
  readonly onJobEnded: () => void
  readonly onError: (error: Error) => void
}

export interface ItemWorker {
  /** Aborts the running items of these batches. */
  abortBatches(batchIds: ReadonlySet<string>): void
  /** The batches of the items that run in this process. */
  runningBatches(): Set<string>
  /** Takes no more jobs, lets running ones end for `graceMs`, then hands the rest back to the queue. A second call may shorten the grace. */
  close(graceMs: number): Promise<void>
}

export function createItemWorker(dependencies: ItemWorkerDependencies): ItemWorker {
  const { connection, keys, lane, concurrency, limiter, runItem, onJobEnded, onError } = dependencies
  /** Job id -> batch id. */
  const running = new Map<string, string>()

  // BullMQ passes the signal only to a processor that declares three parameters.
  const processJob = async (job: Job, token?: string, signal?: AbortSignal) => {
    const { batch_id: batchId, index, feed } = parse(itemJob, job.data)
    const jobId = job.id ?? ''
    running.set(jobId, batchId)
    try {
      const run: Run = { batchId, index, feed, token: `${token}:${job.attemptsStarted}` }
      const end = await runItem(run, { signal: signal ?? new AbortController().signal })
      if (end.type === 'threw') onError(end.error)
      return await endJob(job, token, end)
    } finally {
      running.delete(jobId)
    }
  }

  const worker = new Worker(laneQueueName(lane), processJob, {
    connection,
    prefix: keys.laneQueuePrefix(lane),
    concurrency,
    limiter,
    lockDuration: itemLockMs,
    lockRenewTime: itemLockMs / 2,
    stalledInterval: itemScanMs,
    maxStalledCount: killsAllowed,
    // After a failed fetch. The default of 15 s would delay the work after every restart of Redis.
    runRetryDelay: 1_000,
    settings: {
      backoffStrategy: (attempt, _type, error) =>
        // Any other error is broken infrastructure or a bug: the job runs again, with growing delays.
        error instanceof RetryLater
          ? error.delayMs
          : 500 + backoffMs(Math.min(attempt, 10), { baseMs: 500, capMs: 30_000 }, Math.random),
    },
  })
  worker.on('error', onError)
  worker.on('completed', onJobEnded)
  worker.on('failed', onJobEnded)
  worker.on('failed', (_job, error) => {
    if (!(error instanceof RetryLater || error instanceof UnrecoverableError)) onError(error)
  })
  const abort = (jobId: string, reason: AbortReason) => worker.cancelJob(jobId, reason)
  // A lost lock does not stop the processor, and the job would run twice.
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

/** Ends the job in BullMQ as its run ended. */
async function endJob(job: Job, token: string | undefined, end: RunEnd): Promise<{ ended: string }> {
  switch (end.type) {
    case 'succeeded':
    case 'dropped':
      return { ended: end.type }
    case 'failed':
      // The result is recorded. This only puts the job where Bull Board shows failures.
      throw new UnrecoverableError(end.message)
    case 'retry':
      throw new RetryLater(end.message, end.delayMs)
    case 'threw':
      throw new RetryLater(end.error.message, end.delayMs)
    case 'handed-back':
      await job.moveToWait(token)
      throw new WaitingError()
    default:
      return end satisfies never
  }
}
