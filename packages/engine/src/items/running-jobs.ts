import type { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { loadScript } from '../redis/script.ts'
import type { AbortReason } from './run-end.ts'

const reclaimScript = loadScript(new URL('reclaim-lock.lua', import.meta.url))

/** A job that runs in this process. `token` is that of its BullMQ lock. */
interface RunningJob {
  readonly batchId: string
  readonly token: string
}

/** The jobs of one worker that run now, and their locks. */
export interface RunningJobs {
  start(jobId: string, job: RunningJob): Disposable
  batches(): Set<string>
  abortBatches(batchIds: ReadonlySet<string>): void
  /**
   * Renews every lock, also those that ended while Redis was away. BullMQ alone would abort these jobs, and others would run them again,
   * although their answers may arrive and be recorded. Aborts a job that was moved or taken since.
   */
  reclaim(jobIds?: readonly string[]): Promise<void>
}

export interface RunningJobsDependencies {
  readonly redis: Redis
  readonly worker: Worker
  readonly lockMs: number
}

export function createRunningJobs({ redis, worker, lockMs }: RunningJobsDependencies): RunningJobs {
  const running = new Map<string, RunningJob>()
  const abort = (jobId: string, reason: AbortReason) => worker.cancelJob(jobId, reason)

  async function reclaimOne(jobId: string): Promise<void> {
    const job = running.get(jobId)
    if (job === undefined) return
    const locks = {
      lock: worker.toKey(`${jobId}:lock`),
      active: worker.toKey('active'),
      stalled: worker.toKey('stalled'),
    }
    const held = await reclaimScript(redis, locks, { jobId, token: job.token, ms: lockMs })
    // A lost lock does not stop the processor, and the job would run twice.
    if (held !== 1 && running.get(jobId) === job) abort(jobId, 'lock-lost')
  }

  return {
    start(jobId, job) {
      running.set(jobId, job)
      return { [Symbol.dispose]: () => void running.delete(jobId) }
    },
    batches: () => new Set([...running.values()].map(({ batchId }) => batchId)),
    abortBatches(batchIds) {
      for (const [jobId, { batchId }] of running) if (batchIds.has(batchId)) abort(jobId, 'batch-cancelled')
    },
    async reclaim(jobIds = [...running.keys()]) {
      await Promise.all(jobIds.map(reclaimOne))
    },
  }
}
