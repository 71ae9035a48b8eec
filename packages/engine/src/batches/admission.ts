import { invalidRequest, SluiceError } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import { primaries } from '../redis/connect.ts'

/**
 * New work is rejected above this fraction; the rest is reserved for the results of accepted work.
 * At its limit Redis rejects every write, and no result could be recorded.
 */
const fullFraction = 0.8
/** `INFO memory` costs Redis about 50 us, and uploads check on every flush. */
const freshMs = 200
const retryAfterS = 30

export interface Admission {
  memory(): Promise<{ usedBytes: number; limitBytes: number }>
  /** Throws `redis_full` (503) if Redis has no memory for new work. A Redis without `maxmemory` accepts everything. */
  check(): Promise<void>
  /** Throws `unknown_prices` for a cost limit on a lane without prices: it could not be enforced. */
  checkCost(lane: string, maxCostUsd: number | null | undefined): void
}

export interface AdmissionDependencies {
  readonly redis: Redis
  readonly isPriced: (lane: string) => boolean
}

/** Decides whether new work is accepted. */
export function createAdmission({ redis, isPriced }: AdmissionDependencies): Admission {
  let seen: { at: number; usedBytes: number; limitBytes: number } | undefined

  const memory = async () => {
    const nodes = await Promise.all(
      primaries(redis).map(async (node) => {
        const info = await node.info('memory')
        const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
        return { usedBytes: field('used_memory'), limitBytes: field('maxmemory') }
      }),
    )
    // In a cluster the fullest node counts, because the node of a batch is not known before it is created.
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
    checkCost(lane, maxCostUsd) {
      if (maxCostUsd === undefined || maxCostUsd === null || isPriced(lane)) return
      throw invalidRequest(
        'unknown_prices',
        `max_cost_usd: The lane '${lane}' has no prices. Add \`prices\` to the lane in sluice.config.ts.`,
        'max_cost_usd',
      )
    },
  }
}
