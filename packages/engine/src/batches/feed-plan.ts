import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { divide } from '../lanes/fair-share.ts'
import type { ReadyBatches, Turn } from '../lanes/ready-batches.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'

/** Most items of one batch in one step: bounds the time of its script. */
const mostAtOnce = 500
/** A new batch goes to the front of the queue with this many items, so that it starts at once although a large one is queued. */
export const frontRow = 16
/** A batch that was fed within this time is not new, although its last items may have ended. */
const fedLatelyMs = 5_000
/** With more ready batches than this, turns alone decide: to read what each holds would cost more than it gains. */
const mostCompared = 64

/** What one batch gets in a round. */
export interface Portion {
  readonly turn: Turn
  readonly places: number
  /** To the front of the queue. */
  readonly first: boolean
}

interface Round {
  readonly portions: readonly Portion[]
  /** Items that one batch may have in the window at most. */
  readonly most: number
  /** Some batch has items to feed, now or when there are places. */
  readonly hasReady: boolean
}

export interface FeedPlanDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ready: ReadyBatches
}

/** Decides which batches of a lane get the free places of its window. */
export interface FeedPlan {
  next(room: { readonly capacity: number; readonly free: number }): Promise<Round>
  /** To be called for each batch that was fed. */
  fed(batchId: string): void
}

export function createFeedPlan({ redis, keys, ready }: FeedPlanDependencies): FeedPlan {
  const fedLately = new LRUCache<string, true>({ max: 1_000, ttl: fedLatelyMs })

  return {
    async next({ capacity, free }) {
      const turns = await ready.next(Math.max(mostCompared + 1, Math.min(free, mostAtOnce)))
      const hasReady = turns.length > 0
      // One batch must not fill the window while the loads of the others are not compared.
      if (turns.length > mostCompared)
        return { portions: byTurn(turns, capacity, free), most: Math.max(frontRow, Math.ceil(capacity / 8)), hasReady }
      return { portions: hasReady ? await byLoad(turns, capacity, free) : [], most: capacity * 2, hasReady }
    },
    fed(batchId) {
      fedLately.set(batchId, true)
    },
  }

  /** Few batches: the places go to those that hold least for their weight. A new one gets some even if none is free. */
  async function byLoad(turns: readonly Turn[], capacity: number, free: number): Promise<Portion[]> {
    const loads = await readLoads(turns)
    const isNew = ({ open, batchId }: (typeof loads)[number]) => open === 0 && !fedLately.has(batchId)
    const newBatches = loads.filter(isNew)
    const extra = Math.max(0, Math.min(frontRow * newBatches.length, Math.ceil(capacity / 4) + Math.min(0, free)))
    const places = isWorthIt(free, capacity) ? divide(free, loads) : divide(extra, newBatches)
    return loads.flatMap((load) => {
      const count = Math.min(places.get(load.batchId) ?? 0, mostAtOnce)
      return count === 0 ? [] : [{ turn: load.turn, places: count, first: isNew(load) }]
    })
  }

  async function readLoads(turns: readonly Turn[]) {
    return Promise.all(
      turns.map(async (turn) => {
        const k = keys.batch(turn.batchId)
        const [meta, open] = await Promise.all([readBatchMeta(redis, k, 'priority'), redis.hlen(k.open)])
        return { turn, batchId: turn.batchId, weight: meta?.priority || 1, open }
      }),
    )
  }
}

/** Many batches: each has its turn, by weight through the virtual times, and gets as many places as there are for each. */
function byTurn(turns: readonly Turn[], capacity: number, free: number): Portion[] {
  if (!isWorthIt(free, capacity)) return []
  const each = Math.max(1, Math.floor(free / turns.length))
  return turns.slice(0, free).map((turn) => ({ turn, places: each, first: false }))
}

/** A few places are not worth a round trip, unless the window is that small. */
function isWorthIt(free: number, capacity: number): boolean {
  return free >= capacity / 8
}
