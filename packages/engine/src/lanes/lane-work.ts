import type { Redis } from 'ioredis'
import { selectFields } from '../ledger/batch-meta.ts'
import { isOfLane } from '../ledger/pause-reason.ts'
import type { Keys } from '../redis/keys.ts'

/** Batches that are read in one round trip. */
const readAtOnce = 500
/** With more active batches than this, what was read is used again for ten times as long as it took to read. */
const alwaysReadUpTo = 1_000
const restPerRead = 10

/** What the batches of a lane have to do. */
export interface LaneWork {
  /** Not done and not in flight. */
  readonly items: number
  readonly batches: number
  readonly pauseReason: string | null
}

export const noWork: LaneWork = { items: 0, batches: 0, pauseReason: null }

/** The work of all active batches, by lane. */
export type ReadLaneWork = () => Promise<ReadonlyMap<string, LaneWork>>

const workFields = selectFields('lane', 'total', 'succeeded', 'failed', 'pause_reason')

/**
 * Reads all active batches, a page at a time. Callers at the same time share one reading, and it takes at most a tenth of the time, so
 * that a page or a scraper that polls costs the same with 100,000 paused batches as with 1,000.
 */
export function createLaneWork({ redis, keys }: { readonly redis: Redis; readonly keys: Keys }): ReadLaneWork {
  let reading: Promise<ReadonlyMap<string, LaneWork>> | undefined
  let freshUntil = 0

  return async () => {
    if (reading !== undefined && performance.now() < freshUntil) return reading
    freshUntil = Number.POSITIVE_INFINITY
    const startedAt = performance.now()
    reading = read().then(
      ({ work, count }) => {
        freshUntil = count <= alwaysReadUpTo ? 0 : performance.now() + restPerRead * (performance.now() - startedAt)
        return work
      },
      (error: unknown) => {
        freshUntil = 0
        throw error
      },
    )
    return reading
  }

  async function read(): Promise<{ work: Map<string, LaneWork>; count: number }> {
    const work = new Map<string, LaneWork>()
    let count = 0
    for await (const page of redis.sscanStream(keys.activeBatches, { count: readAtOnce })) {
      const ids = page as string[]
      count += ids.length
      await Promise.all(ids.map((id) => add(work, id)))
    }
    return { work, count }
  }

  async function add(work: Map<string, LaneWork>, id: string): Promise<void> {
    const k = keys.batch(id)
    const [values, calls] = await Promise.all([redis.hmget(k.meta, ...workFields.names), redis.hlen(k.calls)])
    const meta = workFields.parse(values)
    if (meta === null) return
    const { status, lane, total, succeeded, failed, pause_reason: reason } = meta
    const before = work.get(lane) ?? noWork
    if (status === 'paused' && isOfLane(reason)) work.set(lane, { ...before, pauseReason: reason })
    if (status !== 'in_progress') return
    const left = total - succeeded - failed - calls
    work.set(lane, { ...before, items: before.items + Math.max(0, left), batches: before.batches + 1 })
  }
}
