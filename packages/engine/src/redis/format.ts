import type { Redis } from 'ioredis'
import type { Keys } from './keys.ts'

/** Of the keys and values that this version writes. It changes when an older version could not read them. */
const dataFormat = 1

/** Null when this version may use the data under the prefix; otherwise why not, and what to do. */
export async function formatProblem(redis: Redis, keys: Keys): Promise<string | null> {
  const stored = await redis.get(keys.format)
  if (stored === null || Number(stored) <= dataFormat) return null
  return `The data under the prefix '${keys.prefix}' has format ${stored}, written by a newer Sluice; this one reads format ${dataFormat}: update it, or set another SLUICE_PREFIX.`
}

/** Writes the format where there is none. Throws for a newer one. */
export async function claimFormat(redis: Redis, keys: Keys): Promise<void> {
  await redis.setnx(keys.format, dataFormat)
  const problem = await formatProblem(redis, keys)
  if (problem !== null) throw new Error(problem)
}
