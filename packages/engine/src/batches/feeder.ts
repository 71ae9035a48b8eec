import type { JobsOptions, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { itemJobId, itemJobOptions } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'
import { readBatchMeta, selectFields } from '../ledger/batch-meta.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Changes } from '../redis/changes.ts'
import type { LaneWindow } from '../lanes/window.ts'

/** Without a message the batch is read this often. */
const pollMs = 1_000
/** Jobs of open items that the queue lost are added again this often, and whenever feeding begins. */
const repairMs = 15_000
/** The most items of one ledger step. */
const mostAtOnce = 500
/** A batch without items in the window puts this many at the front of the queue, so that it starts at once although a large batch is queued. */
const frontRow = 16

export interface FeederDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ledger: Ledger
  readonly changes: Changes
  readonly lane: (name: string) => { readonly queue: Queue; readonly window: LaneWindow }
}

/**
 * Keeps a batch's share of its lane's window filled until the batch has ended (resolves) or `signal` aborts (rejects).
 * Keeps no state outside Redis: it may die at any point, run twice, or continue in another process.
 */
export type FeedBatch = (batchId: string, options: { signal: AbortSignal }) => Promise<void>

export function createFeeder({ redis, keys, ledger, changes, lane }: FeederDependencies): FeedBatch {
  return async (batchId, { signal }) => {
    const k = keys.batch(batchId)
    using changed = await changes.listen(k.changes)
    const batch = await readBatchMeta(redis, k, 'lane', 'label')
    if (batch === null) return
    const { queue, window } = lane(batch.lane)
    const { label } = batch
    let repairedAt = 0
    try {
      for (;;) {
        signal.throwIfAborted()
        if (Date.now() - repairedAt > repairMs) {
          await addJobs(queue, batchId, label, await ledger.open(batchId), {})
          repairedAt = Date.now()
        }
        const { status, more } = await feedOnce()
        if (status !== 'in_progress' && status !== 'paused' && status !== 'cancelling') return
        if (!more) await changed.wait(pollMs, signal)
      }
    } finally {
      // If Redis is away, the batch's claim to the window expires.
      await window.leave(batchId).catch(() => {})
    }

    async function feedOnce(): Promise<{ status: string; more: boolean }> {
      const need = await readNeed()
      if (need?.status !== 'in_progress') {
        await window.leave(batchId)
        return { status: need?.status ?? 'gone', more: false }
      }
      const { status, concurrency, priority, open, left } = need
      const most = concurrency ?? Number.POSITIVE_INFINITY
      if (left === 0) return { status, more: false }
      const share = await window.share({ batchId, weight: priority, demand: Math.min(most, left + open) })
      const limit = Math.min(most, share)
      // A few items are not worth a round trip, unless the window is that small.
      const room = limit - open
      if (room < Math.min(left, Math.ceil(limit / 8))) return { status, more: false }
      const feed = await ledger.feed(batchId, limit, mostAtOnce)
      const options: JobsOptions = open === 0 && feed.items.length <= frontRow ? { lifo: true } : {}
      await addJobs(queue, batchId, label, options.lifo ? feed.items.toReversed() : feed.items, options)
      return { status: feed.status, more: feed.left > 0 && feed.open < limit }
    }

    async function readNeed() {
      const [[, values], [, open], [, returned]] = (await redis
        .multi()
        .hmget(k.meta, ...needFields.names)
        .hlen(k.open)
        .llen(k.requeue)
        .exec()) as [[null, (string | null)[]], [null, number], [null, number]]
      const meta = needFields.parse(values)
      return meta && { ...meta, open, left: meta.total - meta.next + returned }
    }
  }
}

const needFields = selectFields('concurrency', 'priority', 'total', 'next')

async function addJobs(
  queue: Queue,
  batchId: string,
  label: string,
  items: readonly { index: number; feed: number }[],
  options: JobsOptions,
): Promise<void> {
  if (items.length === 0) return
  await queue.addBulk(
    items.map(({ index, feed }) => {
      const data = { batch_id: batchId, index, feed }
      return { name: `${label} · item ${index}`, data, opts: { ...itemJobOptions, ...options, jobId: itemJobId(data) } }
    }),
  )
}
