import type { LaneConfig } from '@sluice/contract/lane'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { createAdmission } from '../batches/admission.ts'
import type { EnqueueBatch } from '../batches/enqueue-batch.ts'
import { createIdempotency } from '../batches/idempotency.ts'
import { createStageBatch } from '../batches/stage-batch.ts'
import type { Results } from '../engine.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Changes } from '../redis/changes.ts'
import { readDurability } from '../redis/durability.ts'
import type { RedisGate } from '../redis/gate.ts'
import type { Keys } from '../redis/keys.ts'
import { createFileBatchWorker } from './file-batch-job.ts'
import { createFinalize } from './finalize.ts'
import { openFileRooms } from './open-file-batches.ts'
import { createRunFileBatch, type OnFileBatchEnded } from './run-file-batch.ts'
import { createStartItems } from './start-items.ts'

/** As at OpenAI: results are kept for 30 days where their batch says nothing. */
const keptMs = 30 * 86_400_000

export interface FileBatchWorkerParts {
  readonly redis: Redis
  readonly keys: Keys
  readonly lanes: Readonly<Record<string, LaneConfig>>
  readonly queue: Queue
  readonly filesBytes: number | undefined
  readonly gate: RedisGate
  readonly changes: Changes
  readonly ledger: Ledger
  readonly results: Results
  readonly enqueueBatch: EnqueueBatch
  readonly onEnded: OnFileBatchEnded
  /** How long results are kept at most; null: for ever. */
  readonly retentionMs: number | null
  readonly onError: (error: Error) => void
}

/** The jobs of batches over files, as a worker process runs them. */
export async function openFileBatchWorker(parts: FileBatchWorkerParts): Promise<{
  readonly sweep: () => Promise<void>
  close(): Promise<void>
}> {
  const { redis, keys, lanes, queue, filesBytes, ledger, results, enqueueBatch, retentionMs } = parts
  const admission = createAdmission({ redis, isPriced: (lane) => lanes[lane]?.prices !== undefined })
  const durability = await readDurability(redis)
  const { store, sweep, ...rooms } = openFileRooms({
    redis,
    keys,
    queue,
    lanes,
    mostBytes: filesBytes,
    confirm: () => durability.confirm(),
    checkMemory: () => admission.check(),
  })
  const startItems = createStartItems({
    redis,
    keys,
    ...rooms,
    stage: createStageBatch({ redis, keys, admission, idempotency: createIdempotency({ redis, keys }) }),
    enqueueBatch,
    isValidating: async (id) => (await store.read(id))?.status === 'validating',
    keptMs,
  })
  const finalize = createFinalize({ redis, keys, files: rooms.files, results, retentionMs })
  const { changes, onEnded } = parts
  const runFileBatch = createRunFileBatch({ redis, keys, ledger, changes, store, startItems, finalize, onEnded })
  const worker = createFileBatchWorker({ ...parts, connection: redis, runFileBatch })
  return { sweep, close: () => worker.close() }
}
