import type { ListItemsQuery } from '@sluice/contract/batch-item'
import type { Redis } from 'ioredis'
import type { BatchKeys } from '../redis/keys.ts'

/** A batch with at most so many failures has all of them read at once; of a larger one, ranges of items are compared. About 1 ms of Redis. */
const mostFailuresRead = 5_000
const comparedAtOnce = 5_000
/** Where no index tells which items may match: so many are read at once. */
const readAtOnce = 100

/** Items of a range that may match a filter. */
export interface Candidates {
  /** The indexes from `from` to before `to`, or fewer: `covered` is where the next ones begin. Downwards, `from` is the highest. */
  next(from: number, to: number): Promise<{ readonly indexes: readonly number[]; readonly covered: number }>
  /** Ranges that one request looks at. */
  readonly mostSteps: number
}

interface Batch {
  readonly redis: Redis
  readonly keys: BatchKeys
  readonly failed: number
}

/** `step`: 1 or -1. Without an index for the filter, every item is a candidate. */
export async function createCandidates(
  { redis, keys, failed }: Batch,
  { status, error_type: type, error_group: group }: ListItemsQuery,
  step: 1 | -1,
): Promise<Candidates> {
  const wantsFailures = status === 'failed' || type !== undefined || group !== undefined
  if (wantsFailures && failed <= mostFailuresRead) {
    const all = (await inGroup(await redis.smembers(keys.failed))).map(Number).sort((a, b) => step * (a - b))
    return {
      mostSteps: 50,
      next: async (from, to) => {
        const ahead = all.filter((index) => step * (index - from) >= 0 && step * (to - index) > 0)
        const indexes = ahead.slice(0, readAtOnce)
        return { indexes, covered: indexes.length < ahead.length ? ahead[readAtOnce]! : to }
      },
    }
  }
  if (wantsFailures) return compared(async (indexes) => inGroup(await members(indexes)))
  if (status === 'running') return compared(running)
  return { mostSteps: 50, next: async (from, to) => range(from, to, readAtOnce) }

  function compared(choose: (indexes: string[]) => Promise<readonly string[]>): Candidates {
    return {
      mostSteps: 10,
      async next(from, to) {
        const { indexes, covered } = range(from, to, comparedAtOnce)
        const chosen = (await choose(indexes.map(String))).map(Number)
        const enough = chosen.slice(0, readAtOnce)
        return { indexes: enough, covered: enough.length < chosen.length ? chosen[readAtOnce]! : covered }
      },
    }
  }

  async function members(indexes: readonly string[]): Promise<string[]> {
    const found = await redis.smismember(keys.failed, ...indexes)
    return indexes.filter((_, i) => found[i] === 1)
  }

  async function running(indexes: readonly string[]): Promise<string[]> {
    const found = await redis.hmget(keys.calls, ...indexes)
    return indexes.filter((_, i) => found[i] !== null)
  }

  async function inGroup(indexes: readonly string[]): Promise<readonly string[]> {
    if (group === undefined || indexes.length === 0) return indexes
    const groups = await redis.hmget(keys.grouped, ...indexes)
    return indexes.filter((_, i) => groups[i] === group)
  }

  function range(from: number, to: number, most: number) {
    const count = Math.min(most, Math.abs(to - from))
    return { indexes: Array.from({ length: count }, (_, i) => from + step * i), covered: from + step * count }
  }
}
