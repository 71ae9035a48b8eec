import { type BatchStatus, isEnded } from '@sluice/contract/batch'
import type { Redis } from 'ioredis'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import { noteEvent } from '../ledger/timeline.ts'
import type { Keys } from '../redis/keys.ts'

const endFields = ['direct', 'succeeded', 'failed'] as const

/** A retry marks the batch before each page of items. If no page comes for this long, the retrying process died. */
const retryingMs = 60_000

/** A batch that has ended, as its consumers see it. */
export interface EndedBatch {
  readonly id: string
  readonly status: BatchStatus
  /** Unix ms. */
  readonly finishedAt: number
  /** Counts the batch's starts. A retried batch ends again, in its next round. */
  readonly round: number
  /** The summary that the batch is a level of; null for a user's own batch. */
  readonly summaryId: string | null
  /** How long it is kept; null: as long as configured for all. */
  readonly keptMs: number | null
}

/** Acts on the end of a batch. May be called more than once for the same end, so it must be safe to repeat. */
export type OnBatchEnded = (batch: EndedBatch) => Promise<void>

export interface BatchEndedDependencies {
  readonly redis: Redis
  readonly keys: Keys
  /** Run together; one that fails does not stop the others, but all run again later. */
  readonly consumers: readonly OnBatchEnded[]
}

/**
 * Handles the end of a batch; does nothing for a batch that has not ended. Rejects if a consumer failed.
 * `retrying`: its failed items are about to be retried, so it will end again.
 */
export type HandleBatchEnded = (batchId: string) => Promise<'handled' | 'not-ended' | 'retrying' | 'gone'>

/**
 * The one place that acts on the end of a batch. The batch's job calls it when the batch has ended. A batch leaves the set of active
 * batches only after every consumer succeeded, and the sweeper handles every ended batch that it finds in this set. So each end is
 * handled at least once, whatever process dies.
 */
export function createBatchEnded({ redis, keys, consumers }: BatchEndedDependencies): HandleBatchEnded {
  return async (id) => {
    const meta = await readBatchMeta(
      redis,
      keys.batch(id),
      'finished_at',
      'retrying_at',
      'round',
      'summary',
      'kept_ms',
      ...endFields,
    )
    if (meta === null) {
      await redis.srem(keys.activeBatches, id)
      return 'gone'
    }
    const { status, finished_at: finishedAt } = meta
    if (status === 'staging' || !isEnded(status) || finishedAt === null) return 'not-ended'
    if (isBeingRetried(meta)) return 'retrying'

    const ended = { id, status, finishedAt, round: meta.round, summaryId: meta.summary || null, keptMs: meta.kept_ms }
    const results = await Promise.allSettled(consumers.map(async (consume) => consume(ended)))
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} consumers of the end of '${id}' failed.`)
    if (errors.length > 0) throw errors[0]

    // A request waits for the one text of a direct batch: nobody looks at its timeline.
    if (!meta.direct) await noteEvent(redis, keys.batch(id), endOf(status), countsOf(meta))
    await redis.srem(keys.activeBatches, id)
    // A retry may have started the batch while the consumers ran. Its `sadd` came before the `srem`, so it is repeated here.
    const now = await readBatchMeta(redis, keys.batch(id), 'finished_at', 'retrying_at')
    if (now !== null && (!isEnded(now.status as BatchStatus) || isBeingRetried(now))) {
      await redis.sadd(keys.activeBatches, id)
      return 'retrying'
    }
    return 'handled'
  }
}

function endOf(status: BatchStatus): 'completed' | 'cancelled' {
  return status === 'cancelled' ? status : 'completed'
}

function countsOf({ succeeded, failed }: { readonly succeeded: number; readonly failed: number }): string {
  return `${succeeded} succeeded, ${failed} failed`
}

function isBeingRetried({
  finished_at: finishedAt,
  retrying_at: retryingAt,
}: {
  readonly finished_at: number | null
  readonly retrying_at: number | null
}): boolean {
  if (retryingAt === null || (finishedAt !== null && finishedAt > retryingAt)) return false
  return Date.now() - retryingAt < retryingMs
}
