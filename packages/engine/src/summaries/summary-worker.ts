import { parse } from '@sluice/contract/parse'
import { type ConnectionOptions, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import { summariesQueueName, type SummaryJob, summaryJob, wholeJobTimes } from '../jobs.ts'
import type { Keys } from '../keys.ts'
import type { RunSummary, SummaryProgress } from './run-summary.ts'

/** Summaries that one process takes through their levels at once. Each costs a promise and a subscription. */
const summariesAtOnce = 1_000

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
}): { close(): Promise<void> } {
  const worker = new Worker<SummaryJob>(
    summariesQueueName,
    async (job, token, signal) => {
      const { summary_id: summaryId } = parse(summaryJob.loose(), job.data)
      const stopping = signal ?? new AbortController().signal
      try {
        const end = await runSummary(summaryId, { signal: stopping, onProgress: (progress) => show(job, progress) })
        // It is recorded: this only puts the job where Bull Board shows failures.
        if (end.type === 'failed') throw new UnrecoverableError(end.message)
      } catch (error) {
        if (stopping.reason !== 'shutdown') throw error
        await job.moveToWait(token)
        throw new WaitingError()
      }
      return { summary_id: summaryId }
    },
    { connection, prefix: keys.summariesQueuePrefix, concurrency: summariesAtOnce, ...wholeJobTimes },
  )
  worker.on('error', onError)
  worker.on('failed', (_job, error) => {
    if (!(error instanceof UnrecoverableError)) onError(error)
  })
  worker.on('lockRenewalFailed', (jobIds) => {
    for (const jobId of jobIds) worker.cancelJob(jobId, 'lock-lost')
  })

  return {
    async close() {
      const closed = worker.close()
      worker.cancelAllJobs('shutdown')
      await closed
    },
  }
}

/** Each level fills the ring anew: how many levels there will be is not known before the last. */
async function show(job: Job<SummaryJob>, { level, total, succeeded, failed }: SummaryProgress): Promise<void> {
  const counts = { total, succeeded, failed }
  if (job.data.level === level && JSON.stringify(job.data.counts) === JSON.stringify(counts)) return
  await job.updateData({ ...job.data, level, counts })
  await job.updateProgress(Math.floor((100 * (succeeded + failed)) / Math.max(1, total)))
}
