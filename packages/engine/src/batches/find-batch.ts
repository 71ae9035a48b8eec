import type { Batch } from '@sluice/contract/batch'
import { notFound } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import { parseBatchMeta } from '../ledger/batch-meta.ts'
import type { ReadLaneHold } from '../lanes/lane-holds.ts'
import type { Keys } from '../redis/keys.ts'
import { isBatchId } from './batch-id.ts'
import { toBatch } from './batch-view.ts'

export interface BatchFinder {
  /** The batch as the API shows it; null if there is none, or if its items are still being staged. */
  readonly find: (id: string) => Promise<Batch | null>
  /** As `find`. Throws `batch_not_found`. */
  readonly get: (id: string) => Promise<Batch>
}

export interface FindBatchDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly isPriced: (lane: string) => boolean
  /** Whether the configuration has the lane. */
  readonly hasLane: (lane: string) => boolean
  readonly readHold: ReadLaneHold
}

export function createBatchFinder({ redis, keys, isPriced, hasLane, readHold }: FindBatchDependencies): BatchFinder {
  return {
    find,
    get: async (id) => {
      const found = await find(id)
      if (found === null) throw notFound('batch', id)
      return found
    },
  }

  async function find(id: string): Promise<Batch | null> {
    if (!isBatchId(id)) return null
    const k = keys.batch(id)
    const [[, stored], [, open], [, running], ...sizes] = (await redis
      .multi()
      .hgetall(k.meta)
      .hlen(k.open)
      .hlen(k.calls)
      .memory('USAGE', k.blocks)
      .memory('USAGE', k.results)
      .exec()) as [[null, Record<string, string>], [null, number], [null, number], ...[Error | null, number | null][]]
    const meta = parseBatchMeta(stored)
    if (meta === null || meta.status === 'staging') return null
    // A Redis that does not know MEMORY USAGE answers with an error.
    const bytes = sizes.some(([error]) => error !== null) ? null : sizes.reduce((sum, [, size]) => sum + (size ?? 0), 0)
    const { lane, status } = meta
    const hold = status === 'in_progress' ? await readHold(lane) : null
    const laneState = { priced: isPriced(lane), laneIsGone: !hasLane(lane), hold }
    return toBatch(id, { meta: { ...meta, status }, open, running, bytes, ...laneState, nowMs: Date.now() })
  }
}
