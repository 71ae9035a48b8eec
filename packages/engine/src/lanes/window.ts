import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'

/**
 * How many items may stand in a lane's queue, and each batch's part of that.
 * The window is twice what the lane's workers run at once: enough that no worker waits for the feeder,
 * little enough that a new batch gets its turn within one call's time.
 */
const windowPerConcurrency = 2
/** With no worker alive a few items wait in the queue, so that the first worker starts at once. */
const smallestWindow = 8
const liveMs = 6_000
/** A lane's numbers are read at most this often by one process. */
const freshMs = 200

export interface Claim {
  readonly batchId: string
  readonly weight: number
  /** Items it could have in the window: what is left, or its own concurrency. */
  readonly demand: number
}

/**
 * Shares `capacity` by weight; what one batch cannot use goes to the others (weighted max-min fairness:
 * Bertsekas and Gallager, Data Networks, 6.5.2). Every claim gets at least 1.
 */
export function share(capacity: number, claims: readonly Claim[]): Map<string, number> {
  const shares = new Map<string, number>()
  const byNeed = claims.toSorted((a, b) => a.demand / a.weight - b.demand / b.weight)
  let left = capacity
  let weights = claims.reduce((sum, claim) => sum + claim.weight, 0)
  for (const claim of byNeed) {
    const part = Math.max(1, Math.min(claim.demand, Math.floor((left * claim.weight) / weights)))
    shares.set(claim.batchId, part)
    left = Math.max(0, left - part)
    weights -= claim.weight
  }
  return shares
}

export interface LiveWorker {
  readonly id: string
  /** Items it may hold at once. */
  readonly held: number
  /** Calls it may have in flight at once. */
  readonly concurrency: number
}

export interface LaneWindow {
  /** A worker tells that it lives and how much it runs at once. To be repeated every few seconds. */
  announce(worker: LiveWorker): Promise<void>
  retire(worker: LiveWorker): Promise<void>
  /** This batch's part of the window now. Tells the others what it could use. */
  share(claim: Claim): Promise<number>
  leave(batchId: string): Promise<void>
}

export function createLaneWindow(redis: Redis, keys: Keys, lane: string): LaneWindow {
  const { workers, feeding } = keys.lane(lane)
  const member = ({ id, held, concurrency }: LiveWorker) => `${id}|${held}|${concurrency}`
  let seen: { at: number; capacity: number; claims: Claim[] } | undefined
  const written = new Map<string, { text: string; at: number }>()

  const look = async () => {
    const now = Date.now()
    if (seen !== undefined && now - seen.at < freshMs) return seen
    const [[, members], [, claimed]] = (await redis
      .multi()
      .zrangebyscore(workers, now, '+inf')
      .hgetall(feeding)
      .zremrangebyscore(workers, '-inf', now - 60_000)
      .exec()) as [[null, string[]], [null, Record<string, string>], unknown]
    const running = members.reduce((sum, one) => sum + Number(one.split('|')[1]), 0)
    const claims = Object.entries(claimed).flatMap(([batchId, text]) => {
      const [weight = 1, demand = 1, until = 0] = text.split('|').map(Number)
      return until > now ? [{ batchId, weight, demand }] : []
    })
    seen = { at: now, capacity: Math.max(smallestWindow, running * windowPerConcurrency), claims }
    return seen
  }

  return {
    async announce(worker) {
      await redis.zadd(workers, Date.now() + liveMs, member(worker))
    },
    async retire(worker) {
      await redis.zrem(workers, member(worker))
    },
    async share(claim) {
      const now = Date.now()
      const text = `${claim.weight}|${claim.demand}`
      const last = written.get(claim.batchId)
      if (last === undefined || last.text !== text || now - last.at > liveMs / 3) {
        await redis.hset(feeding, claim.batchId, `${text}|${now + liveMs}`)
        written.set(claim.batchId, { text, at: now })
      }
      const { capacity, claims } = await look()
      const others = claims.filter((one) => one.batchId !== claim.batchId)
      return share(capacity, [...others, claim]).get(claim.batchId) ?? 1
    },
    async leave(batchId) {
      written.delete(batchId)
      await redis.hdel(feeding, batchId)
    },
  }
}
