import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { HandleBatchEnded } from '../batches/batch-ended.ts'
import { forgetBatch } from '../batches/forget-batch.ts'
import type { Retention } from '../batches/retention.ts'
import { readLiveWorkers } from '../lanes/window.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Keys } from '../redis/keys.ts'
import { createLease } from '../redis/lease.ts'
import { repeat, type Repeating } from '../repeat.ts'
import { createRepairOpen } from './repair-open.ts'
import type { EnqueueBatch } from '../batches/enqueue-batch.ts'
import { abandonedMs } from '../batches/stage-batch.ts'
import type { OnSummaryEnded } from '../summaries/run-summary.ts'
import type { EnqueueSummary } from '../summaries/summary-job.ts'
import type { SummaryStore } from '../summaries/summary-store.ts'

/** Batches that one sweep looks at, so that its cost does not grow with their number: 10,000 have their turn within 100 s. */
const batchesPerSweep = 500
/** Abandoned batches and expired summaries that one sweep removes; the next sweep goes on. */
const removedPerSweep = 1_000
/** One after the other, 400 batches took a minute on a busy machine. */
const sweptAtOnce = 10
/** How often one of all processes sweeps. Bounds how long a batch waits whose process died between storing and starting it. */
const sweepMs = 5_000

export interface SweeperDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly workerId: string
  readonly queueOf: (lane: string) => Queue | undefined
  readonly ledger: Ledger
  readonly enqueueBatch: EnqueueBatch
  readonly handleBatchEnded: HandleBatchEnded
  readonly retention: Retention
  readonly summaries: SummaryStore
  readonly enqueueSummary: EnqueueSummary
  /** Files and the batches over them. */
  readonly sweepFiles: () => Promise<void>
  readonly onSummaryEnded: OnSummaryEnded
  readonly sweepWebhooks: () => Promise<void>
  /** Null: ended summaries are kept until they are deleted. */
  readonly retentionMs: number | null
  readonly onError: (error: Error) => void
}

/**
 * Repairs what a process left that died at the wrong moment: batches and summaries without their job, ends of batches that were not
 * handled, and staged items that will never be sealed. Removes batches and summaries that ended longer ago than `retentionMs`.
 */
export function createSweeper(dependencies: SweeperDependencies): Repeating {
  const {
    redis,
    keys,
    ledger,
    enqueueBatch,
    handleBatchEnded,
    retention,
    summaries,
    enqueueSummary,
    sweepFiles,
    onSummaryEnded,
    sweepWebhooks,
    retentionMs,
    onError,
  } = dependencies
  const lease = createLease({ redis, key: keys.sweepLease, holder: dependencies.workerId, ms: 3 * sweepMs })
  const repairOpen = createRepairOpen(dependencies)
  let cursor = '0'
  /** A sweep of 500 batches takes seconds on a busy machine: longer than a process has to stop. */
  let stopping = false

  async function sweep(): Promise<void> {
    if (!(await lease.hold())) return
    await sweepSomeBatches()
    for await (const page of redis.sscanStream(keys.activeSummaries, { count: 100 })) {
      for (const id of page as string[]) {
        if (stopping) return
        await sweepActiveSummary(id)
      }
    }
    if (stopping) return
    const abandoned = await redis.zrangebyscore(
      keys.stagingBatches,
      '-inf',
      Date.now() - abandonedMs,
      'LIMIT',
      0,
      removedPerSweep,
    )
    for (const id of abandoned) await sweepStaging(id)
    await retention.removeExpired()
    await sweepFiles()
    await sweepWebhooks()
    if (retentionMs === null) return
    const expiredAt = Date.now() - retentionMs
    for (const id of await redis.zrangebyscore(keys.endedSummaries, '-inf', expiredAt, 'LIMIT', 0, removedPerSweep))
      await sweepEndedSummary(id)
  }

  async function sweepSomeBatches(): Promise<void> {
    let seen = 0
    do {
      const [next, ids] = await redis.sscan(keys.activeBatches, cursor, 'COUNT', 100)
      cursor = next
      seen += ids.length
      for (let at = 0; at < ids.length; at += sweptAtOnce) {
        if (stopping) return
        await Promise.all(ids.slice(at, at + sweptAtOnce).map(sweepActiveBatch))
      }
    } while (cursor !== '0' && seen < batchesPerSweep)
  }

  async function sweepActiveBatch(id: string): Promise<void> {
    const meta = await readBatchMeta(redis, keys.batch(id), 'lane', 'label')
    const status = meta?.status ?? 'gone'
    switch (status) {
      case 'staging':
      case 'uploading':
        return
      case 'paused':
        return
      case 'in_progress':
      case 'cancelling':
        await enqueueBatch(id)
        if (meta === null) return
        if (status === 'cancelling' && (await hasNoWorker(meta.lane))) await ledger.endCancelled(id)
        else await repairOpen(id, meta)
        return
      case 'completed':
      case 'cancelled':
      case 'gone':
        // A consumer that fails must not stop the sweep: the batch stays active, and the next sweep tries again.
        await handleBatchEnded(id).catch(onError)
        return
      default:
        status satisfies never
    }
  }

  /** A lane that was removed from the configuration: this worker does not have it, and no other one either. */
  async function hasNoWorker(lane: string): Promise<boolean> {
    if (dependencies.queueOf(lane) !== undefined) return false
    // By the clock of Redis: with its own one ahead, this process would take all workers for dead.
    return (await readLiveWorkers(redis, keys.lane(lane))).length === 0
  }

  async function sweepActiveSummary(id: string): Promise<void> {
    const meta = await summaries.read(id)
    const status = meta?.status ?? 'gone'
    switch (status) {
      case 'staging':
        return
      case 'in_progress':
        return enqueueSummary(id)
      case 'completed':
      case 'failed':
      case 'cancelled': {
        try {
          if (meta !== null) await onSummaryEnded(id, meta)
        } catch (error) {
          // The summary stays active, and the next sweep tries again.
          onError(error instanceof Error ? error : new Error(String(error)))
          return
        }
        const endedAt = meta?.finishedAt ?? Date.now()
        await redis.multi().zadd(keys.endedSummaries, endedAt, id).srem(keys.activeSummaries, id).exec()
        return
      }
      case 'gone':
        await redis.srem(keys.activeSummaries, id)
        return
      default:
        status satisfies never
    }
  }

  async function sweepStaging(id: string): Promise<void> {
    const meta = await readBatchMeta(redis, keys.batch(id), 'summary')
    if (meta !== null && meta.status !== 'staging' && meta.status !== 'uploading') {
      // The process that stored it may have died before it was active and listed; if it has ended, the next sweep handles that.
      const listed = redis.multi().sadd(keys.activeBatches, id).zrem(keys.stagingBatches, id)
      if (!meta.summary) listed.zadd(keys.allBatches, 0, id)
      await listed.exec()
    } else if (meta === null) await redis.zrem(keys.stagingBatches, id)
    // The job of a summary begins the batch of its level, however late.
    else if (!meta.summary || (await summaries.read(meta.summary))?.status !== 'in_progress')
      await forgetBatch(redis, keys, id)
  }

  async function sweepEndedSummary(id: string): Promise<void> {
    if ((await summaries.read(id))?.status === 'in_progress') await redis.zrem(keys.endedSummaries, id)
    else await summaries.forget(id)
  }

  const sweeping = repeat(sweep, { everyMs: sweepMs, first: 'at-once', onError })
  return {
    async stop() {
      stopping = true
      await sweeping.stop()
      // Without Redis the lease expires.
      await lease.release().catch(() => {})
    },
  }
}
