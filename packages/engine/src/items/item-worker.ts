import { DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { backoffMs } from './decide.ts'
import { itemLockMs, itemScanMs, laneQueueName, readItemJob } from '../queues/jobs.ts'
import type { Run } from '../ledger/run.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import { isOutage, isReply } from '../redis/refusal.ts'
import type { AbortReason, RunEnd } from './run-end.ts'
import type { RunItem } from './run-item.ts'
import { createRunningJobs } from './running-jobs.ts'

const killsAllowed = 1_000_000
/** How often the locks of running jobs are renewed while Redis refuses writes. */
const reclaimMs = 1_000
/** How long a job of a newer version waits for the next worker, give or take a half. */
const newerMs = 2_000

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
  readonly redis: Redis
  readonly keys: Keys
  readonly lane: string
  /** The tokens of its locks begin with it. */
  readonly workerId: string
  readonly concurrency: number
  /** Jobs that all workers of the lane start in `duration` ms at most: a coarse guard. Null: any number. */
  readonly limiter: { max: number; duration: number } | null
  readonly runItem: RunItem
  readonly gate: RedisGate
  /** Aborts when nothing may begin any more. */
  readonly stopping: AbortSignal
  /** A job left the queue, or waits in it again. */
  readonly onJobEnded: () => void
  readonly onError: (error: Error) => void
}

export interface ItemWorker {
  /** Aborts the running items of these batches. */
  abortBatches(batchIds: ReadonlySet<string>): void
  /** The batches of the items that run in this process. */
  runningBatches(): Set<string>
  /** Looks for jobs whose lock is gone, at once. */
  findStalled(): Promise<void>
  /**
   * Takes no more jobs. Items whose call has not begun are handed back at once, once `stopping` aborts; calls in flight may end for
   * `graceMs`, then the rest is handed back, too. A second call may shorten the grace.
   */
  close(graceMs: number): Promise<void>
}

export function createItemWorker(dependencies: ItemWorkerDependencies): ItemWorker {
  const { redis, keys, lane, workerId, concurrency, limiter, runItem, gate, stopping, onJobEnded, onError } =
    dependencies
  const slotKey = keys.lane(lane).workers

  // BullMQ passes the signal only to a processor whose `length` is three: parameters with defaults do not count.
  const processJob = async (job: Job, lockToken: string | undefined, runSignal: AbortSignal | undefined) => {
    const token = lockToken ?? ''
    const signal = runSignal ?? new AbortController().signal
    const data = readItemJob(job.data)
    if (data === null) return leaveToNewer(job, token)
    const { batch_id: batchId, index, feed } = data
    using _running = running.start(job.id ?? '', { batchId, token })
    const run: Run = { batchId, index, feed, token: `${token}:${job.attemptsStarted}` }
    const end = await runUnlessStopping(run, signal)
    if (end.type === 'threw') onError(end.error)
    return endJob(job, token, end)
  }

  /** In a rolling update: a newer worker may get it next time. */
  async function leaveToNewer(job: Job, token: string): Promise<never> {
    onError(new Error(`Job ${job.id} was added by a newer Sluice, and is left to newer workers: update this one.`))
    await job.moveToDelayed(Date.now() + newerMs * (0.5 + Math.random()), token)
    throw new DelayedError()
  }

  /** A job that BullMQ was fetching when the process began to stop comes afterwards. */
  async function runUnlessStopping(run: Run, signal: AbortSignal): Promise<RunEnd> {
    try {
      await gate.whenOpen(stopping)
      return await runItem(run, { signal, stopping })
    } catch (error) {
      if (stopping.aborted) return { type: 'handed-back' }
      gate.refused(error, slotKey)
      throw error
    }
  }

  const worker = new Worker(laneQueueName(lane), processJob, {
    connection: redis,
    prefix: keys.laneQueuePrefix(lane),
    concurrency,
    ...(limiter === null ? {} : { limiter }),
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
  // BullMQ would choose one at random, which does not show whose lock it is.
  Object.assign(worker, { id: workerId })
  const running = createRunningJobs({ redis, worker, lockMs: itemLockMs })
  const reclaim = (jobIds?: readonly string[]) => void running.reclaim(jobIds).catch(ignoreOutage)
  const ignoreOutage = (error: Error) => {
    if (!isOutage(error)) onError(error)
  }
  worker.on('error', (error) => {
    // BullMQ repeats a fetch that an error reply ended without any pause: 592,091 lines of log in 70 s.
    if (isReply(error)) gate.refused(error, slotKey)
    onError(error)
  })
  worker.on('completed', onJobEnded)
  worker.on('failed', onJobEnded)
  worker.on('failed', (_job, error) => {
    if (!(error instanceof RetryLater || error instanceof UnrecoverableError)) onError(error)
  })
  worker.on('lockRenewalFailed', reclaim)
  let closed: Promise<void> | undefined
  let reclaimedAt = -reclaimMs
  const watching = gate.watch({
    closed: () => void worker.pause(true),
    waiting() {
      // BullMQ's own renewal is refused by a full Redis.
      if (performance.now() - reclaimedAt < reclaimMs) return
      reclaimedAt = performance.now()
      reclaim()
    },
    opened: () => void (closed === undefined && worker.resume()),
  })

  return {
    abortBatches: (batchIds) => running.abortBatches(batchIds),
    runningBatches: () => running.batches(),
    findStalled: () => worker.startStalledCheckTimer(),
    async close(graceMs) {
      closed ??= worker.close()
      const timer = setTimeout(() => worker.cancelAllJobs('shutdown' satisfies AbortReason), graceMs)
      try {
        await closed
      } finally {
        clearTimeout(timer)
        watching[Symbol.dispose]()
      }
    },
  }
}

/** Ends the job in BullMQ as its run ended. */
async function endJob(job: Job, token: string, end: RunEnd): Promise<{ ended: string }> {
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
