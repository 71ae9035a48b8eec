import { type ConnectionOptions, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import { supervisorTimes } from './jobs.ts'

/** That one process runs at once. Each costs a promise and a subscription. */
const supervisedAtOnce = 1_000

export interface Supervisor {
  /** Hands the jobs to other workers. */
  close(): Promise<void>
}

/**
 * Runs jobs that stand for a whole batch or summary, for as long as that takes. `run` rejects when its signal aborts; an
 * UnrecoverableError puts the job among the failed, anything else is tried again.
 */
export function createSupervisor<Data>({
  name,
  prefix,
  connection,
  run,
  onError,
}: {
  readonly name: string
  readonly prefix: string
  readonly connection: ConnectionOptions
  readonly run: (job: Job<Data>, signal: AbortSignal) => Promise<object>
  readonly onError: (error: Error) => void
}): Supervisor {
  const worker = new Worker<Data>(
    name,
    async (job, token, signal) => {
      const stopping = signal ?? new AbortController().signal
      try {
        return await run(job, stopping)
      } catch (error) {
        if (stopping.reason !== 'shutdown') throw error
        await job.moveToWait(token)
        throw new WaitingError()
      }
    },
    { connection, prefix, concurrency: supervisedAtOnce, ...supervisorTimes },
  )
  worker.on('error', onError)
  worker.on('failed', (_job, error) => {
    if (!(error instanceof UnrecoverableError)) onError(error)
  })
  // Losing the lock does not stop the processor by itself, and the job would run twice.
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
