import type { ListItemsQuery } from '@sluice/contract/batch-item'
import type { Redis } from 'ioredis'
import { type BatchKeys, shardKey } from '../redis/keys.ts'

/** A shard with at most so many failures has all of them read at once; of one with more, ranges of items are compared. About 1 ms of Redis. */
const mostFailuresRead = 5_000
const comparedAtOnce = 5_000
/** Items whose results are read at once. */
const readAtOnce = 100

export interface Candidates {
  /**
   * The next items from `from` on, and before `to`, that may match a filter, in their order, and where the ones after them begin. There may be none
   * although there are more. Downwards, `from` is the highest.
   */
  next(from: number, to: number): Promise<{ readonly indexes: readonly number[]; readonly covered: number }>
  /** So many times one request may call `next`. */
  readonly mostSteps: number
}

interface CandidatesOf {
  readonly redis: Redis
  readonly keys: BatchKeys
  /** The batch's items_per_shard. */
  readonly perShard: number
}

/** Items that may match a filter, upwards (`step` 1) or downwards. Where no key says which ones may, each is a candidate. */
export function createCandidates(
  { redis, keys, perShard }: CandidatesOf,
  { status, error_type: type, error_group: group }: ListItemsQuery,
  step: 1 | -1,
): Candidates {
  /** Found, and not handed out yet. */
  let rest: { readonly indexes: readonly number[]; readonly covered: number } = { indexes: [], covered: 0 }
  const few = new Map<string, Promise<readonly number[] | null>>()
  if (status === 'failed' || type !== undefined || group !== undefined) return { mostSteps: 100, next: nextFailures }
  if (status === 'running') return { mostSteps: 10, next: nextRunning }
  return { mostSteps: 50, next: async (from, to) => range(from, to, readAtOnce) }

  /** Failures are in shards, so a step does not leave the shard of `from`. */
  async function nextFailures(from: number, to: number) {
    if (rest.indexes[0] === from) return firstOf(rest.indexes, rest.covered)
    const failed = shardKey(keys.failed, from, perShard)
    const end = endOfShard(from, to)
    if (!few.has(failed)) few.set(failed, readFew(failed))
    const known = await few.get(failed)
    if (known != null) {
      const ahead = known.filter((index) => step * (index - from) >= 0 && step * (end - index) > 0)
      return firstOf(await inGroup(ahead.slice(0, comparedAtOnce)), ahead[comparedAtOnce] ?? end)
    }
    const { indexes, covered } = range(from, end, comparedAtOnce)
    const found = await redis.smismember(failed, ...indexes.map(String))
    return firstOf(await inGroup(indexes.filter((_, i) => found[i] === 1)), covered)
  }

  /** The failures of a shard in order, or null where there are many. */
  async function readFew(failed: string): Promise<readonly number[] | null> {
    if ((await redis.scard(failed)) > mostFailuresRead) return null
    return (await redis.smembers(failed)).map(Number).sort((a, b) => step * (a - b))
  }

  async function nextRunning(from: number, to: number) {
    if (rest.indexes[0] === from) return firstOf(rest.indexes, rest.covered)
    const { indexes, covered } = range(from, to, comparedAtOnce)
    const found = await redis.hmget(keys.calls, ...indexes.map(String))
    return firstOf(
      indexes.filter((_, i) => found[i] !== null),
      covered,
    )
  }

  /** Of failures in one shard. */
  async function inGroup(indexes: readonly number[]): Promise<readonly number[]> {
    const [first] = indexes
    if (group === undefined || first === undefined) return indexes
    const groups = await redis.hmget(shardKey(keys.grouped, first, perShard), ...indexes.map(String))
    return indexes.filter((_, i) => groups[i] === group)
  }

  function firstOf(indexes: readonly number[], covered: number) {
    rest = { indexes: indexes.slice(readAtOnce), covered }
    return { indexes: indexes.slice(0, readAtOnce), covered: rest.indexes[0] ?? covered }
  }

  function endOfShard(from: number, to: number): number {
    if (perShard === 0) return to
    const shard = Math.floor(from / perShard)
    return step === 1 ? Math.min(to, (shard + 1) * perShard) : Math.max(to, shard * perShard - 1)
  }

  function range(from: number, to: number, most: number) {
    const count = Math.min(most, Math.abs(to - from))
    return { indexes: Array.from({ length: count }, (_, i) => from + step * i), covered: from + step * count }
  }
}
