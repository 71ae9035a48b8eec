import { parse } from '@sluice/contract/parse'
import { type ConnectionOptions, type Job, UnrecoverableError } from 'bullmq'
import { summariesQueueName, type SummaryJob, summaryJob } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'
import { createSupervisor, type Supervisor } from '../queues/supervisor.ts'
import type { RunSummary, SummaryProgress } from './run-summary.ts'

/** Runs the `summaries` queue: one durable job per summary, whose progress Bull Board shows. */
export function createSummaryWorker({
  connection,
  keys,
  runSummary,
  onError,
}: {
  readonly connection: ConnectionOptions
  readonly keys: Keys
  readonly runSummary: RunSummary
  readonly onError: (error: Error) => void
}): Supervisor {
  return createSupervisor<SummaryJob>({
    name: summariesQueueName,
    prefix: keys.summariesQueuePrefix,
    connection,
    onError,
    async run(job, signal) {
      const { summary_id: summaryId } = parse(summaryJob.loose(), job.data)
      const end = await runSummary(summaryId, { signal, onProgress: (progress) => show(job, progress) })
      // It is recorded: this only puts the job where Bull Board shows failures.
      if (end.type === 'failed') throw new UnrecoverableError(end.message)
      return { summary_id: summaryId }
    },
  })
}

/** Each level fills the ring anew: how many levels there will be is not known before the last. */
async function show(job: Job<SummaryJob>, { level, total, succeeded, failed }: SummaryProgress): Promise<void> {
  const counts = { total, succeeded, failed }
  if (job.data.level === level && JSON.stringify(job.data.counts) === JSON.stringify(counts)) return
  await job.updateData({ ...job.data, level, counts })
  await job.updateProgress(Math.floor((100 * (succeeded + failed)) / Math.max(1, total)))
}
