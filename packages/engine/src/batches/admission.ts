import { invalidRequest, SluiceError } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import { createRedisMemory, type MemoryUse } from '../redis/memory.ts'

/**
 * New work is rejected above this fraction; the rest is reserved for the results of accepted work.
 * At its limit Redis rejects every write, and no result could be recorded.
 */
const fullFraction = 0.8
/** `INFO memory` costs Redis about 50 us, and uploads check on every flush. */
const freshMs = 200
const retryAfterS = 30

export interface Admission {
  memory(): Promise<MemoryUse>
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
  const memory = createRedisMemory({ redis, freshMs })

  return {
    memory: () => memory.read(),
    async check() {
      if ((await memory.fraction()) < fullFraction) return
      const { usedBytes, limitBytes } = await memory.read()
      const megabytes = (bytes: number) => Math.round(bytes / 1_048_576)
      throw new SluiceError(
        'overloaded_error',
        'redis_full',
        `Redis holds ${megabytes(usedBytes)} of at most ${megabytes(limitBytes)} MB: delete ended batches, wait for running ones, or raise maxmemory.`,
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
