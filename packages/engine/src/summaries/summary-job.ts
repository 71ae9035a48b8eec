import { parse } from '@sluice/contract/parse'
import { type ConnectionOptions, type Job, type Queue, UnrecoverableError } from 'bullmq'
import type { OnBatchEnded } from '../batches/batch-ended.ts'
import {
  summariesQueueName,
  summaryLock,
  type SummaryJob,
  summaryJob,
  summaryJobId,
  summaryJobName,
  supervisorJobOptions,
} from '../queues/jobs.ts'
import { createSupervisor, type Supervisor } from '../queues/supervisor.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import type { RunSummary, SummaryProgress } from './run-summary.ts'
import type { SummaryStore } from './summary-store.ts'

export type EnqueueSummary = (summaryId: string) => Promise<void>

export interface EnqueueSummaryDependencies {
  readonly store: SummaryStore
  /** The queue `summaries`. */
  readonly queue: Queue
}

/** Adds the job that takes a summary through its levels. Its id holds the summary's round, so adding it again does nothing. */
export function createEnqueueSummary({ store, queue }: EnqueueSummaryDependencies): EnqueueSummary {
  return async (summaryId) => {
    const meta = await store.read(summaryId)
    if (meta === null) return
    await queue.add(
      summaryJobName(meta.chunks),
      { summary_id: summaryId },
      { ...supervisorJobOptions, jobId: summaryJobId(summaryId, String(meta.round)) },
    )
  }
}

/** When the batch of a level has ended, the job of its summary must exist: it continues with the next level. */
export function createOnLevelEnded({ enqueueSummary }: { readonly enqueueSummary: EnqueueSummary }): OnBatchEnded {
  return async ({ summaryId }) => {
    if (summaryId !== null) await enqueueSummary(summaryId)
  }
}

export interface SummaryWorkerDependencies {
  readonly connection: ConnectionOptions
  readonly gate: RedisGate
  readonly keys: Keys
  readonly runSummary: RunSummary
  readonly onError: (error: Error) => void
}

/** Runs the queue `summaries`: one durable job per summary. Bull Board shows its progress. */
export function createSummaryWorker({
  connection,
  gate,
  keys,
  runSummary,
  onError,
}: SummaryWorkerDependencies): Supervisor {
  return createSupervisor<SummaryJob>({
    name: summariesQueueName,
    prefix: keys.summariesQueuePrefix,
    connection,
    atOnce: 1_000,
    times: summaryLock,
    gate,
    onError,
    async run(job, signal) {
      const { summary_id: summaryId } = parse(summaryJob.loose(), job.data)
      const end = await runSummary(summaryId, { signal, onProgress: (progress) => report(job, progress) })
      // The failure is recorded. The error only makes Bull Board list the job as failed.
      if (end.type === 'failed') throw new UnrecoverableError(end.message)
      return { summary_id: summaryId }
    },
  })
}

/** Each level counts from 0 to 100 percent, because the number of levels is known only at the last one. */
async function report(job: Job<SummaryJob>, { level, total, succeeded, failed }: SummaryProgress): Promise<void> {
  const counts = { total, succeeded, failed }
  if (job.data.level === level && JSON.stringify(job.data.counts) === JSON.stringify(counts)) return
  await job.updateData({ ...job.data, level, counts })
  await job.updateProgress(Math.floor((100 * (succeeded + failed)) / Math.max(1, total)))
}
