import { SluiceError } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import { primaries } from '../redis/connect.ts'

/**
 * New work is refused from here on; what is left is for the results of the work that was accepted.
 * Past its limit Redis refuses every write, and then nothing could be recorded.
 */
const fullFraction = 0.8
/** `INFO memory` costs Redis about 50 us; uploads ask for every flush. */
const freshMs = 200
const retryAfterS = 30

export interface Admission {
  memory(): Promise<{ usedBytes: number; limitBytes: number }>
  /** Throws `redis_full` (503) when Redis holds too much for new work. A Redis without `maxmemory` takes all. */
  check(): Promise<void>
}

export function createAdmission(redis: Redis): Admission {
  let seen: { at: number; usedBytes: number; limitBytes: number } | undefined

  const memory = async () => {
    const nodes = await Promise.all(
      primaries(redis).map(async (node) => {
        const info = await node.info('memory')
        const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
        return { usedBytes: field('used_memory'), limitBytes: field('maxmemory') }
      }),
    )
    // Of a cluster the fullest: where a batch will be is not known before it is made.
    const full = (one: { usedBytes: number; limitBytes: number }) =>
      one.limitBytes === 0 ? 0 : one.usedBytes / one.limitBytes
    return (
      nodes.toSorted((a, b) => full(b) - full(a) || b.usedBytes - a.usedBytes)[0] ?? { usedBytes: 0, limitBytes: 0 }
    )
  }

  return {
    memory,
    async check() {
      if (seen === undefined || Date.now() - seen.at > freshMs) seen = { at: Date.now(), ...(await memory()) }
      if (seen.limitBytes === 0 || seen.usedBytes < fullFraction * seen.limitBytes) return
      const megabytes = (bytes: number) => Math.round(bytes / 1_048_576)
      throw new SluiceError(
        'overloaded_error',
        'redis_full',
        `Redis holds ${megabytes(seen.usedBytes)} of at most ${megabytes(seen.limitBytes)} MB: delete ended batches, wait for running ones, or raise maxmemory.`,
        { retryAfterS },
      )
    },
  }
}
