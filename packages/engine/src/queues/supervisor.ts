import { type ConnectionOptions, DelayedError, type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import type { RedisGate } from '../redis/gate.ts'
import { isReply } from '../redis/refusal.ts'
import type { LockTimes } from './jobs.ts'

/** What `run` returns for a job that has nothing to do until someone promotes it. Meanwhile it costs nothing. */
export const setAside = Symbol('set aside')
const setAsideMs = 365 * 86_400_000

/** What `run` returns for a job that goes on at a later time. */
export class RunAgain {
  /** Unix ms. */
  readonly at: number

  constructor(at: number) {
    this.at = at
  }
}

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
  readonly run: (job: Job<Data>, signal: AbortSignal) => Promise<object | typeof setAside>
  /** Jobs that this process runs at once. Each costs a promise and a subscription. */
  readonly atOnce: number
  readonly times: LockTimes
  readonly gate: RedisGate
  readonly onError: (error: Error) => void
}

/** Runs one durable job per batch or summary, from its beginning to its end, however long that takes. */
export function createSupervisor<Data>(dependencies: SupervisorDependencies<Data>): Supervisor {
  const { name, prefix, connection, atOnce, times, run, gate, onError } = dependencies
  const closing = new AbortController()
  const worker = new Worker<Data>(
    name,
    async (job, token, signal) => {
      // BullMQ aborts only the jobs that run at that moment; a job that it was fetching begins afterwards.
      const stopping = AbortSignal.any(signal === undefined ? [closing.signal] : [closing.signal, signal])
      let delayUntil = Date.now() + setAsideMs
      try {
        const ended = await run(job, stopping)
        if (ended instanceof RunAgain) delayUntil = ended.at
        else if (ended !== setAside) return ended
      } catch (error) {
        if (stopping.reason !== 'shutdown') throw error
        await job.moveToWait(token)
        throw new WaitingError()
      }
      await job.moveToDelayed(delayUntil, token)
      throw new DelayedError()
    },
    {
      connection,
      prefix,
      concurrency: atOnce,
      lockDuration: times.lockMs,
      lockRenewTime: times.lockMs / 2,
      stalledInterval: times.scanMs,
      maxStalledCount: 1_000_000,
      runRetryDelay: 1_000,
    },
  )
  worker.on('error', (error) => {
    // BullMQ repeats a fetch that an error reply ended without any pause.
    if (isReply(error)) gate.refused(error, prefix)
    onError(error)
  })
  const watching = gate.watch({
    closed: () => void worker.pause(true),
    waiting() {},
    opened: () => void (!closing.signal.aborted && worker.resume()),
  })
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
      closing.abort('shutdown')
      await closed
      watching[Symbol.dispose]()
    },
  }
}
