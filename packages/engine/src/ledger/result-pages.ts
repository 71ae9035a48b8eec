import type { Redis } from 'ioredis'
import type { BatchStatus } from '@sluice/contract/batch'
import { type BatchKeys, shardKey } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

/**
 * What one page holds at most: of small results the number decides, of large ones the bytes. A page exceeds the bytes by at most its
 * last result. Pages are small because each is read and written in one turn of the event loop, and hundreds of readers may begin at once:
 * with pages of 1 MB others wait several times as long, and one reader gains nothing.
 */
const pageOf = { most: 500, mostBytes: 131_072 } as const

const scripts = {
  done: loadScript(new URL('read-done.lua', import.meta.url)),
  range: loadScript(new URL('read-range.lua', import.meta.url)),
}

export interface StoredPage<Entry> {
  readonly status: BatchStatus
  /** Items in the batch. */
  readonly total: number
  /** Positions or items that the page covers. */
  readonly seen: number
  readonly entries: readonly Entry[]
}

export interface StoredEntry {
  readonly index: number
  /** As `parseStored` takes it; null: no result. */
  readonly stored: string | null
}

/** A page in the order of completion. Null: there is no such batch. `stored` is null where an item was retried since. */
export async function readDone(redis: Redis, keys: BatchKeys, from: number): Promise<StoredPage<StoredEntry> | null> {
  const [status, total, seen, ...flat] = (await scripts.done(redis, keys, { from, ...pageOf })) as PageReply
  if (!isVisible(status)) return null
  const entries = Array.from({ length: seen }, (_, i) => ({
    index: Number(flat[2 * i]),
    stored: flat[2 * i + 1] || null,
  }))
  return { status, total, seen, entries }
}

/**
 * A page in the order of the items. `stop`: it ends before the first item without a result, unless the batch was cancelled, so that a
 * reader who waits for that item does not read the others again. `only`: `stored` is null or a placeholder, without the result.
 */
export async function readRange(
  redis: Redis,
  keys: BatchKeys,
  from: number,
  holes: 'skip' | 'stop' | 'only',
): Promise<StoredPage<StoredEntry> | null> {
  const [status, total, seen, ...texts] = (await scripts.range(redis, keys, { from, holes, ...pageOf })) as PageReply
  if (!isVisible(status)) return null
  return { status, total, seen, entries: texts.map((text, i) => ({ index: from + i, stored: text || null })) }
}

/** The stored results of some items, in the order of `indexes`; null where there is none. `perShard`: the batch's items_per_shard. */
export async function readResultsOf(
  redis: Redis,
  keys: BatchKeys,
  indexes: readonly number[],
  perShard: number,
): Promise<(string | null)[]> {
  const found = new Map<number, string | null>()
  const shards = Map.groupBy(indexes, (index) => shardKey(keys.results, index, perShard))
  await Promise.all(
    [...shards].map(async ([key, some]) => {
      const stored = await redis.hmget(key, ...some.map(String))
      for (const [i, index] of some.entries()) found.set(index, stored[i] ?? null)
    }),
  )
  return indexes.map((index) => found.get(index) ?? null)
}

type PageReply = [status: BatchStatus | 'staging' | '', total: number, seen: number, ...string[]]

function isVisible(status: BatchStatus | 'staging' | ''): status is BatchStatus {
  return status !== '' && status !== 'staging'
}
