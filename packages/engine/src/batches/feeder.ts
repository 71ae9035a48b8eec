import type { JobsOptions, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { itemJobId, itemJobOptions } from '../queues/jobs.ts'
import type { Keys } from '../redis/keys.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Changes } from '../redis/changes.ts'
import type { LaneWindow } from '../lanes/window.ts'

/** Without a message the window is looked at this often. */
const pollMs = 1_000
/** Jobs for items that are open but were lost from the queue are added again this often, and whenever feeding begins. */
const repairMs = 15_000
/** Most items to take in one step. */
const mostAtOnce = 500
/** A batch that had nothing in the window goes to the front with this many, so that it starts at once behind a large one. */
const frontRow = 16

export interface FeederDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ledger: Ledger
  readonly changes: Changes
  readonly lane: (name: string) => { readonly queue: Queue; readonly window: LaneWindow }
}

/**
 * Keeps one batch's part of its lane's window filled until the batch has ended (resolves) or `signal` aborts (rejects).
 * It keeps nothing of its own: it may die at any point, run twice, or be taken over by another process.
 */
export type FeedBatch = (batchId: string, options: { signal: AbortSignal }) => Promise<void>

export function createFeeder({ redis, keys, ledger, changes, lane }: FeederDependencies): FeedBatch {
  return async (batchId, { signal }) => {
    const k = keys.batch(batchId)
    using changed = await changes.listen(k.changes)
    const [laneName, named] = await redis.hmget(k.meta, 'lane', 'label')
    if (!laneName) return
    const { queue, window } = lane(laneName)
    const label = named ?? ''
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
      // Without Redis the claim ends by itself.
      await window.leave(batchId).catch(() => {})
    }

    async function feedOnce(): Promise<{ status: string; more: boolean }> {
      const [status, concurrency, priority, total, next, open, back] = await readNeed()
      if (status !== 'in_progress') {
        await window.leave(batchId)
        return { status: status ?? 'gone', more: false }
      }
      const left = total - next + back
      const own = concurrency === 0 ? Number.POSITIVE_INFINITY : concurrency
      const demand = Math.min(own, left + open)
      if (left === 0) return { status, more: false }
      const limit = Math.min(own, await window.share({ batchId, weight: priority, demand }))
      // A few at a time are not worth a round trip, unless the window is that small.
      const room = limit - open
      if (room < Math.min(left, Math.ceil(limit / 8))) return { status, more: false }
      const feed = await ledger.feed(batchId, limit, mostAtOnce)
      const options: JobsOptions = open === 0 && feed.items.length <= frontRow ? { lifo: true } : {}
      await addJobs(queue, batchId, label, options.lifo ? feed.items.toReversed() : feed.items, options)
      return { status: feed.status, more: feed.left > 0 && feed.open < limit }
    }

    async function readNeed(): Promise<[string | null, number, number, number, number, number, number]> {
      const [[, fields], [, open], [, back]] = (await redis
        .multi()
        .hmget(k.meta, 'status', 'concurrency', 'priority', 'total', 'next')
        .hlen(k.open)
        .llen(k.requeue)
        .exec()) as [[null, (string | null)[]], [null, number], [null, number]]
      const [status = null, ...numbers] = fields
      const [concurrency = 0, priority = 1, total = 0, next = 0] = numbers.map(Number)
      return [status, concurrency, priority, total, next, open, back]
    }
  }
}

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
