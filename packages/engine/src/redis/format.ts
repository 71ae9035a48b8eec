import type { Redis } from 'ioredis'
import type { Keys } from './keys.ts'

/**
 * Of the keys and values that this version writes. It changes when an older version could not read them.
 * 2: the keys of large batches have several parts (`shardKey`). Batches of format 1 are read as they are.
 */
const dataFormat = 2
/** A worker announces itself every 400 ms. */
const aliveMs = 2_000

/** Null when this version may use the data under the prefix; otherwise why not, and what to do. */
export async function formatProblem(redis: Redis, keys: Keys): Promise<string | null> {
  const stored = await redis.get(keys.format)
  if (stored === null || Number(stored) === dataFormat) return null
  if (Number(stored) > dataFormat) {
    return `The data under the prefix '${keys.prefix}' has format ${stored}, written by a newer Sluice; this one reads format ${dataFormat}: update it, or set another SLUICE_PREFIX.`
  }
  const [seconds] = await redis.time()
  const alive = await redis.zcount(keys.workersAlive, Number(seconds) * 1_000 - aliveMs, '+inf')
  if (alive === 0) return null
  return `The data under the prefix '${keys.prefix}' has format ${stored}, and ${alive === 1 ? 'a worker of an earlier Sluice still runs' : `${alive} workers of an earlier Sluice still run`} on it, which cannot read format ${dataFormat}: stop all processes of that version, then start this one (docs/operations/upgrading.md).`
}

/** Writes the format. Throws if this version may not use the data. */
export async function claimFormat(redis: Redis, keys: Keys): Promise<void> {
  const problem = await formatProblem(redis, keys)
  if (problem !== null) throw new Error(problem)
  await redis.set(keys.format, dataFormat)
}
