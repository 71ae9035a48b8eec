import type { Redis } from 'ioredis'
import type { ReadyBatches, Turn } from '../lanes/ready-batches.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Changes } from '../redis/changes.ts'
import type { Keys } from '../redis/keys.ts'

/** Messages may be lost: some capped batches are read this often, in turns. */
const lookMs = 1_000
const readAtOnce = 100

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
 * a batch of two calls at a time always has two. While nothing of theirs ends, they cost one command a second together, and two for each
 * of up to 100 that are looked at.
 */
export interface CappedBatches extends Disposable {
  /** Batches that this feeder has just set aside. */
  add(turns: readonly Turn[]): void
  /** Gives those that are below their concurrency their turns again. */
  release(): Promise<void>
}

interface Watched {
  readonly at: number
  readonly subscription: Disposable
}

export function createCappedBatches(dependencies: CappedBatchesDependencies): CappedBatches {
  const { redis, keys, ready, changes, onChange } = dependencies
  /** In the order in which they are looked at. */
  const watched = new Map<string, Watched>()
  const changed = new Set<string>()
  let lookedAt = -lookMs

  return {
    add(turns) {
      for (const turn of turns) watch(turn)
    },
    async release() {
      if (performance.now() - lookedAt >= lookMs) await look()
      if (changed.size === 0) return
      const candidates = [...changed]
      changed.clear()
      try {
        const below = await Promise.all(candidates.map(isBelowItsConcurrency))
        const released = candidates.filter((_, i) => below[i])
        await ready.release(released.flatMap((batchId) => toTurn(batchId)))
        for (const batchId of released) forget(batchId)
      } catch (error) {
        for (const batchId of candidates) changed.add(batchId)
        throw error
      }
    },
    [Symbol.dispose]() {
      for (const batchId of watched.keys()) forget(batchId)
    },
  }

  /** Takes over what other feeders have set aside, and looks at the next of all. */
  async function look(): Promise<void> {
    lookedAt = performance.now()
    const turns = await ready.capped()
    const now = new Set(turns.map(({ batchId }) => batchId))
    for (const turn of turns) if (!watched.has(turn.batchId)) watch(turn)
    for (const batchId of watched.keys()) if (!now.has(batchId)) forget(batchId)
    for (const [batchId, one] of [...watched].slice(0, readAtOnce)) {
      watched.delete(batchId)
      watched.set(batchId, one)
      changed.add(batchId)
    }
  }

  /** The subscription calls back once it is there, so an item that ended before is noticed. */
  function watch({ batchId, at }: Turn): void {
    forget(batchId)
    const subscription = changes.subscribe(keys.batch(batchId).changes, () => {
      changed.add(batchId)
      onChange()
    })
    watched.set(batchId, { at, subscription })
  }

  function toTurn(batchId: string): Turn[] {
    const one = watched.get(batchId)
    return one === undefined ? [] : [{ batchId, at: one.at }]
  }

  function forget(batchId: string): void {
    watched.get(batchId)?.subscription[Symbol.dispose]()
    watched.delete(batchId)
    changed.delete(batchId)
  }

  async function isBelowItsConcurrency(batchId: string): Promise<boolean> {
    const k = keys.batch(batchId)
    const [meta, open] = await Promise.all([readBatchMeta(redis, k, 'concurrency'), redis.hlen(k.open)])
    // A batch that is paused, or gone, leaves with the turn that finds it so.
    return meta?.status !== 'in_progress' || meta.concurrency === null || open < meta.concurrency
  }
}
