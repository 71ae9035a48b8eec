import type { Batch } from '@sluice/contract/batch'
import { notFound } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import type { ReadLanePulse } from '../lanes/lane-pulse.ts'
import { type BatchMeta, parseBatchMeta } from '../ledger/batch-meta.ts'
import { type BatchKeys, type Keys, shardKeys } from '../redis/keys.ts'
import { throwFailure } from '../redis/refusal.ts'
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
  readonly readPulse: ReadLanePulse
}

type Replies = [[null, Record<string, string>], [null, number], [null, number], ...[Error | null, number | null][]]

export function createBatchFinder(dependencies: FindBatchDependencies): BatchFinder {
  const { redis, keys, isPriced, hasLane, readPulse } = dependencies
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
    const replies = await redis
      .pipeline()
      .hgetall(k.meta)
      .hlen(k.open)
      .hlen(k.calls)
      .memory('USAGE', k.blocks)
      .memory('USAGE', k.results)
      .exec()
    throwFailure(replies!.slice(0, 3))
    const [[, stored], [, open], [, running], ...sizes] = replies as Replies
    const meta = parseBatchMeta(stored)
    if (meta === null || meta.status === 'staging') return null
    // A Redis that does not know MEMORY USAGE answers with an error.
    const first = sizes.some(([error]) => error !== null) ? null : sizes.reduce((sum, [, size]) => sum + (size ?? 0), 0)
    const bytes = first === null ? null : first + (await bytesOfOtherShards(redis, k, meta))
    const { lane, status } = meta
    const pulse = status === 'in_progress' ? await readPulse(lane) : null
    const laneState = { priced: isPriced(lane), laneIsGone: !hasLane(lane), pulse }
    return toBatch(id, { meta: { ...meta, status }, open, running, bytes, ...laneState, nowMs: Date.now() })
  }
}

/** Shards that are measured; the others are taken to be like them. So a batch of 100 million items, with 1,526, costs no more to read. */
const shardsMeasured = 8

async function bytesOfOtherShards(redis: Redis, k: BatchKeys, meta: BatchMeta): Promise<number> {
  const of = (key: string) => shardKeys(key, meta.total, meta.items_per_shard).slice(1)
  const shards = [of(k.blocks), of(k.results)]
  const sums = await Promise.all(
    shards.map(async (all) => {
      const step = Math.max(1, all.length / shardsMeasured)
      const chosen = Array.from({ length: Math.min(all.length, shardsMeasured) }, (_, i) => all[Math.floor(i * step)]!)
      const sizes = await Promise.all(chosen.map(async (key) => (await redis.memory('USAGE', key)) ?? 0))
      return sizes.reduce((sum, size) => sum + size, 0) * (chosen.length === 0 ? 0 : all.length / chosen.length)
    }),
  )
  return Math.round(sums.reduce((sum, size) => sum + size, 0))
}
