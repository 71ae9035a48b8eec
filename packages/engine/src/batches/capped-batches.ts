import type { Redis } from 'ioredis'
import type { ReadyBatches, Turn } from '../lanes/ready-batches.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Changes } from '../redis/changes.ts'
import type { Keys } from '../redis/keys.ts'

/** Messages may be lost: all capped batches are read this often. */
const lookMs = 1_000

export interface CappedBatchesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ready: ReadyBatches
  readonly changes: Changes
  /** A capped batch changed. */
  readonly onChange: () => void
}

/**
 * The batches of a lane that have reached their own concurrency. An item of theirs that ends gives them a turn again at once, so that
 * a batch of two calls at a time always has two.
 */
export interface CappedBatches extends Disposable {
  /** Gives those that are below their concurrency their turns again. Returns how many are left. */
  release(): Promise<number>
}

export function createCappedBatches(dependencies: CappedBatchesDependencies): CappedBatches {
  const { redis, keys, ready, changes, onChange } = dependencies
  const watched = new Map<string, Disposable>()
  const changed = new Set<string>()
  let lookedAt = 0

  return {
    async release() {
      const turns = await ready.capped()
      watch(turns)
      const isDue = Date.now() - lookedAt >= lookMs
      if (isDue) lookedAt = Date.now()
      const candidates = isDue ? turns : turns.filter(({ batchId }) => changed.has(batchId))
      changed.clear()
      const below = await Promise.all(candidates.map(({ batchId }) => isBelowItsConcurrency(batchId)))
      const released = candidates.filter((_, i) => below[i])
      await ready.release(released)
      return turns.length - released.length
    },
    [Symbol.dispose]() {
      for (const subscription of watched.values()) subscription[Symbol.dispose]()
      watched.clear()
    },
  }

  function watch(turns: readonly Turn[]): void {
    const now = new Set(turns.map(({ batchId }) => batchId))
    for (const batchId of now) {
      if (watched.has(batchId)) continue
      const subscription = changes.subscribe(keys.batch(batchId).changes, () => {
        changed.add(batchId)
        onChange()
      })
      watched.set(batchId, subscription)
    }
    for (const [batchId, subscription] of watched) {
      if (now.has(batchId)) continue
      subscription[Symbol.dispose]()
      watched.delete(batchId)
    }
  }

  async function isBelowItsConcurrency(batchId: string): Promise<boolean> {
    const k = keys.batch(batchId)
    const [meta, open] = await Promise.all([readBatchMeta(redis, k, 'concurrency'), redis.hlen(k.open)])
    // A batch that is paused, or gone, leaves with the turn that finds it so.
    return meta?.status !== 'in_progress' || meta.concurrency === null || open < meta.concurrency
  }
}
