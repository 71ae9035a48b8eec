import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { OnBatchEnded } from '../batches/batch-ended.ts'
import type { EnqueueBatch } from '../batches/enqueue-batch.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import { createLevelBatches } from './level-batches.ts'
import { createRunSummary, type RunSummaryDependencies } from './run-summary.ts'
import { createEnqueueSummary, createOnLevelEnded, createSummaryWorker, type EnqueueSummary } from './summary-job.ts'
import { createSummaryStore, type SummaryStore } from './summary-store.ts'

export interface SummaryWorkerParts extends Omit<RunSummaryDependencies, 'levels' | 'store'> {
  readonly redis: Redis
  readonly keys: Keys
  readonly gate: RedisGate
  /** The queue `summaries`. */
  readonly queue: Queue
  readonly enqueueBatch: EnqueueBatch
  readonly onError: (error: Error) => void
}

/** The jobs of summaries, as a worker process runs them. */
export function openSummaryWorker(parts: SummaryWorkerParts): {
  readonly store: SummaryStore
  readonly enqueueSummary: EnqueueSummary
  readonly onLevelEnded: OnBatchEnded
  close(): Promise<void>
} {
  const { redis, keys, queue, enqueueBatch } = parts
  const store = createSummaryStore({ redis, keys })
  const enqueueSummary = createEnqueueSummary({ store, queue })
  const levels = createLevelBatches({ redis, keys, enqueueBatch })
  const runSummary = createRunSummary({ ...parts, levels, store })
  const worker = createSummaryWorker({ ...parts, connection: redis, runSummary })
  return {
    store,
    enqueueSummary,
    onLevelEnded: createOnLevelEnded({ enqueueSummary }),
    close: () => worker.close(),
  }
}
