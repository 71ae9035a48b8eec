import { type ConnectionOptions, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import { supervisorTimes } from './jobs.ts'

/** Jobs that one process runs at once. Each costs a promise and a subscription. */
const supervisedAtOnce = 1_000

export interface Supervisor {
  /** Hands the jobs to other workers. */
  close(): Promise<void>
}

export interface SupervisorDependencies<Data> {
  /** Of the queue. */
  readonly name: string
  readonly prefix: string
  readonly connection: ConnectionOptions
  /** Must reject when its signal aborts. An UnrecoverableError marks the job as failed; after any other error it runs again. */
  readonly run: (job: Job<Data>, signal: AbortSignal) => Promise<object>
  readonly onError: (error: Error) => void
}

/** Runs one durable job per batch or summary, from its beginning to its end, however long that takes. */
export function createSupervisor<Data>(dependencies: SupervisorDependencies<Data>): Supervisor {
  const { name, prefix, connection, run, onError } = dependencies
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
  // A lost lock does not stop the processor, and the job would run twice.
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
