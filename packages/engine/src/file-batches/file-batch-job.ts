import { parse } from '@sluice/contract/parse'
import type { ConnectionOptions, Queue } from 'bullmq'
import {
  fileBatchLock,
  type FileBatchJob,
  fileBatchJob,
  fileBatchJobName,
  filesQueueName,
  supervisorJobOptions,
} from '../queues/jobs.ts'
import { createSupervisor, type Supervisor } from '../queues/supervisor.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import { type FileBatchStore, isFinal } from './file-batch-store.ts'
import type { RunFileBatch } from './run-file-batch.ts'

/** Batches that one process takes through their states at once. Each costs a promise and a subscription. */
const atOnce = 1_000

export type EnqueueFileBatch = (id: string) => Promise<void>

export interface EnqueueFileBatchDependencies {
  readonly store: FileBatchStore
  /** The queue `files`. */
  readonly queue: Queue
}

/** Adds the job that takes a batch through its states. Its id is that of the batch, so adding it again does nothing. */
export function createEnqueueFileBatch({ store, queue }: EnqueueFileBatchDependencies): EnqueueFileBatch {
  return async (id) => {
    const record = await store.read(id)
    if (record === null) return
    const data: FileBatchJob = { batch_id: id, endpoint: record.endpoint }
    const add = () => queue.add(fileBatchJobName(record.endpoint), data, { ...supervisorJobOptions, jobId: id })
    const job = await add()
    const state = await job.getState()
    // A failover rolled the batch back to before the end of its job, whose id makes the new job a duplicate.
    if ((state === 'completed' || state === 'failed') && !isFinal(record.status)) {
      await job.remove()
      await add()
    }
  }
}

export interface FileBatchWorkerDependencies {
  readonly connection: ConnectionOptions
  readonly gate: RedisGate
  readonly keys: Keys
  readonly runFileBatch: RunFileBatch
  readonly onError: (error: Error) => void
}

/** Runs the queue `files`: one durable job per batch over a file. */
export function createFileBatchWorker(dependencies: FileBatchWorkerDependencies): Supervisor {
  const { connection, gate, keys, runFileBatch, onError } = dependencies
  return createSupervisor<FileBatchJob>({
    name: filesQueueName,
    prefix: keys.filesQueuePrefix,
    connection,
    atOnce,
    times: fileBatchLock,
    gate,
    onError,
    async run(job, signal) {
      const { batch_id: id } = parse(fileBatchJob.loose(), job.data)
      await runFileBatch(id, {
        signal,
        async onStatus({ status }) {
          if (job.data.status !== status) await job.updateData({ ...job.data, status })
        },
      })
      return { batch_id: id }
    },
  })
}

export interface SweepFileBatchesDependencies {
  readonly store: FileBatchStore
  readonly enqueueFileBatch: EnqueueFileBatch
}

/** Adds lost jobs again, and removes the records whose time is over. */
export function createSweepFileBatches({ store, enqueueFileBatch }: SweepFileBatchesDependencies): () => Promise<void> {
  return async () => {
    for (const id of await store.active()) await enqueueFileBatch(id)
    await store.sweep()
  }
}
