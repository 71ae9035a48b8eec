import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'

/**
 * The window: how many items may be in a lane's queue at once, shared among its batches. It is twice what the lane's workers run at
 * once: enough that no worker waits for the feeder, little enough that a new batch gets its turn within one call's time.
 */
const windowPerConcurrency = 2
/** Without a live worker a few items wait in the queue, so that the first worker starts at once. */
const smallestWindow = 8
const liveMs = 6_000
/** How often one process reads a lane's numbers at most. */
const freshMs = 200
/**
 * Items held beyond those whose call is in flight: just taken, or being recorded. So a call's slot goes to the next item at once, and
 * the time that Redis takes to write to disk (about 1 ms each, `appendfsync always`) costs no throughput.
 */
const preparedFraction = 0.25

export interface Claim {
  readonly batchId: string
  readonly weight: number
  /** Items it could use of the window: what is left of it, or its own concurrency. */
  readonly demand: number
}

/**
 * Shares `capacity` by weight; what one batch cannot use goes to the others (weighted max-min fairness:
 * Bertsekas and Gallager, Data Networks, 6.5.2). Each claim gets at least 1.
 */
export function share(capacity: number, claims: readonly Claim[]): Map<string, number> {
  const shares = new Map<string, number>()
  const byNeed = claims.toSorted((a, b) => a.demand / a.weight - b.demand / b.weight)
  let left = capacity
  let weights = claims.reduce((sum, claim) => sum + claim.weight, 0)
  for (const claim of byNeed) {
    const size = Math.max(1, Math.min(claim.demand, Math.floor((left * claim.weight) / weights)))
    shares.set(claim.batchId, size)
    left = Math.max(0, left - size)
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

export function createLiveWorker(concurrency: number): LiveWorker {
  const held = concurrency + Math.max(2, Math.ceil(concurrency * preparedFraction))
  return { id: randomUUID(), held, concurrency }
}

export interface LaneWindow {
  /** Counts this worker in for the next 6 s. */
  announce(worker: LiveWorker): Promise<void>
  retire(worker: LiveWorker): Promise<void>
  /** The batch's share of the window now. Stores its claim for 6 s, so that the other batches' shares take it into account. */
  share(claim: Claim): Promise<number>
  leave(batchId: string): Promise<void>
  /** The batches that claim a share, and some that did until a moment ago. */
  batches(): Promise<string[]>
}

export interface LaneWindowDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly lane: string
}

export function createLaneWindow({ redis, keys, lane }: LaneWindowDependencies): LaneWindow {
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
    batches: () => redis.hkeys(feeding),
  }
}
