import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { readQuota } from '../quota/quota-view.ts'
import type { Keys } from '../redis/keys.ts'

export interface LaneHold {
  readonly untilMs: number
  readonly reason: string
}

/** The wait that the provider asked a lane for, as far as it lasts `shortestMs` or longer; null: none. */
export type ReadLaneHold = (lane: string) => Promise<LaneHold | null>

/** Waits of a moment are part of normal work at a limit. */
const shortestMs = 1_000
/** A page of a list shows up to 100 batches, most of one lane. */
const keptMs = 250
const lanesKept = 1_000

export function createReadLaneHold({ redis, keys }: { readonly redis: Redis; readonly keys: Keys }): ReadLaneHold {
  const read = new LRUCache<string, Promise<LaneHold | null>>({ max: lanesKept, ttl: keptMs })
  return (lane) => {
    const known = read.get(lane)
    if (known !== undefined) return known
    const reading = readHold(redis, keys, lane)
    read.set(lane, reading)
    return reading
  }
}

async function readHold(redis: Redis, keys: Keys, lane: string): Promise<LaneHold | null> {
  const { models } = await readQuota(redis, keys.lane(lane))
  const [longest] = models
    .map(({ model, held_until: until, waits_for: reason }) => ({ untilMs: (until ?? 0) * 1_000, reason, model }))
    .toSorted((a, b) => b.untilMs - a.untilMs)
  if (longest === undefined || longest.untilMs < Date.now() + shortestMs) return null
  return { untilMs: longest.untilMs, reason: `${longest.model}: ${longest.reason ?? 'The provider asked to wait.'}` }
}
