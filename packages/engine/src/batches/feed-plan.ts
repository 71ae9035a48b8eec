import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { divide } from '../lanes/fair-share.ts'
import type { ReadyBatches, Turn } from '../lanes/ready-batches.ts'
import type { LaneWindow } from '../lanes/window.ts'
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
/** Turns that one round reads. With 16 to 64 items each they fill the largest window. */
const turnsRead = 128
/**
 * Items that a turn gives to one of many batches: a turn costs a step of the ledger, and the first item of a turn reads the batch's
 * recipe and a block of up to 64 texts. With one item for each turn, 900 batches cost twice the CPU of one batch.
 */
const leastQuantum = 16
const mostQuantum = 64

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
  /** Places of the window that were free. */
  readonly free: number
}

export interface FeedPlanDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ready: ReadyBatches
  readonly window: Pick<LaneWindow, 'room'>
}

/** Decides which batches of a lane get the free places of its window. */
export interface FeedPlan {
  next(): Promise<Round>
  /** To be called for each batch that was fed. */
  fed(batchId: string): void
}

export function createFeedPlan({ redis, keys, ready, window }: FeedPlanDependencies): FeedPlan {
  const fedLately = new LRUCache<string, true>({ max: 1_000, ttl: fedLatelyMs })

  return {
    async next() {
      const [{ capacity, free }, turns] = await Promise.all([window.room(), ready.next(turnsRead)])
      const hasReady = turns.length > 0
      // One batch must not fill the window while the loads of the others are not compared.
      if (turns.length > mostCompared) {
        const most = Math.max(2 * quantumOf(capacity), Math.ceil(capacity / 8))
        return { portions: byTurn(turns, capacity, free), most, hasReady, free }
      }
      const portions = hasReady ? await byLoad(turns, capacity, free) : []
      return { portions, most: capacity * 2, hasReady, free }
    },
    fed(batchId) {
      fedLately.set(batchId, true)
    },
  }

  /** Few batches: the places go to those that hold least for their weight. A new one gets some even if none is free. */
  async function byLoad(turns: readonly Turn[], capacity: number, free: number): Promise<Portion[]> {
    const mayBeNew = turns.some(({ batchId }) => !fedLately.has(batchId))
    if (!mayBeNew && !isWorthIt(free, capacity)) return []
    // A batch that is alone gets all places, whatever it holds.
    if (!mayBeNew && turns.length === 1) return [{ turn: turns[0]!, places: Math.min(free, mostAtOnce), first: false }]
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

/** Many batches: each has its turn, by weight through the virtual times. */
function byTurn(turns: readonly Turn[], capacity: number, free: number): Portion[] {
  if (!isWorthIt(free, capacity)) return []
  const quantum = quantumOf(capacity)
  const portions: Portion[] = []
  let left = free
  for (const turn of turns) {
    if (left <= 0) break
    const places = Math.min(quantum, left)
    portions.push({ turn, places, first: false })
    left -= places
  }
  return portions
}

function quantumOf(capacity: number): number {
  return Math.min(mostQuantum, Math.max(leastQuantum, Math.ceil(capacity / 32)))
}

/** A few places are not worth a round trip, unless the window is that small. */
function isWorthIt(free: number, capacity: number): boolean {
  return free >= capacity / 8
}
