import type { LaneConfig } from '@sluice/contract/lane'
import type { LaneView } from '@sluice/contract/lane-view'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { gaugesLiveMs, latencyBounds } from './lane-stats.ts'
import { readHeldUntil } from '../quota/held-until.ts'
import { selectFields } from '../ledger/batch-meta.ts'
import { isOfLane } from '../ledger/pause-reason.ts'

/** Reads what every lane does now. One round trip for each batch at work: cheap for thousands, not for a page that is asked often. */
export async function readLanes(
  redis: Redis,
  keys: Keys,
  lanes: Readonly<Record<string, LaneConfig>>,
  queueOf: (lane: string) => Queue,
): Promise<LaneView[]> {
  const work = await readWork(redis, keys)
  return Promise.all(
    Object.entries(lanes).map(async ([name, { model, prices }]) => {
      const k = keys.lane(name)
      const [jobs, members, stats, gauges, heldUntil] = await Promise.all([
        queueOf(name).getJobCounts('wait', 'prioritized', 'active', 'delayed'),
        redis.zrangebyscore(k.workers, Date.now(), '+inf'),
        redis.hgetall(k.stats),
        readGauges(redis, k.gauges),
        readHeldUntil(redis, k),
      ])
      const number = (field: string) => Number(stats[field] ?? 0)
      const concurrency = members.reduce((sum, member) => sum + Number(member.split('|')[2] ?? 0), 0)
      const { items, batches, pauseReason } = work.get(name) ?? noWork
      return {
        object: 'lane',
        name,
        model,
        workers: members.length,
        concurrency,
        workers_wanted: workersWanted({
          items: items + gauges.inFlight,
          ...gauges,
          workers: members.length,
          concurrency,
        }),
        in_flight: gauges.inFlight,
        waiting_for_quota: gauges.waitingForQuota,
        held_until: heldUntil === null ? null : heldUntil / 1_000,
        items_waiting: items,
        window: {
          waiting: (jobs['wait'] ?? 0) + (jobs['prioritized'] ?? 0),
          active: jobs['active'] ?? 0,
          delayed: jobs['delayed'] ?? 0,
        },
        batches,
        pause_reason: pauseReason,
        calls: Object.fromEntries(
          Object.keys(stats).flatMap((field) => (field.startsWith('calls ') ? [[field.slice(6), number(field)]] : [])),
        ),
        repeated_calls: number('repeated'),
        call_seconds: latencies(number),
        usage: {
          input_tokens: number('input_tokens'),
          cached_input_tokens: number('cached_input_tokens'),
          output_tokens: number('output_tokens'),
        },
        cost_usd: prices === undefined ? null : number('nano_usd') / 1e9,
      }
    }),
  )
}

/** As many as the work could keep busy; where calls wait for the limit, as many as what is in flight needs. */
export function workersWanted(lane: {
  readonly items: number
  readonly inFlight: number
  readonly waitingForQuota: number
  readonly workers: number
  readonly concurrency: number
}): number {
  if (lane.items === 0) return 0
  const each = lane.workers === 0 ? Number.POSITIVE_INFINITY : lane.concurrency / lane.workers
  const useful = lane.waitingForQuota > 0 ? Math.min(lane.items, lane.inFlight + lane.waitingForQuota) : lane.items
  return Math.max(1, Number.isFinite(each) ? Math.ceil(useful / Math.max(1, each)) : 1)
}

function latencies(number: (field: string) => number): LaneView['call_seconds'] {
  let sum = 0
  const buckets = Object.fromEntries(
    latencyBounds.map((bound) => {
      sum += number(`latency ${bound}`)
      return [String(bound), sum]
    }),
  )
  return { buckets, sum: number('latency sum') / 1_000, count: sum + number('latency more') }
}

async function readGauges(redis: Redis, key: string): Promise<{ inFlight: number; waitingForQuota: number }> {
  const sum = { inFlight: 0, waitingForQuota: 0 }
  for (const told of Object.values(await redis.hgetall(key))) {
    const [inFlight = 0, waiting = 0, at = 0] = told.split('|').map(Number)
    if (Date.now() - at > gaugesLiveMs) continue
    sum.inFlight += inFlight
    sum.waitingForQuota += waiting
  }
  return sum
}

interface Work {
  /** Not yet done and not in flight. */
  readonly items: number
  readonly batches: number
  readonly pauseReason: string | null
}

const noWork: Work = { items: 0, batches: 0, pauseReason: null }
const workFields = selectFields('lane', 'total', 'succeeded', 'failed', 'pause_reason')

/** The work at hand, by lane. */
async function readWork(redis: Redis, keys: Keys): Promise<Map<string, Work>> {
  const work = new Map<string, Work>()
  for (const id of await redis.smembers(keys.activeBatches)) {
    const k = keys.batch(id)
    const [[, values], [, calls]] = (await redis
      .multi()
      .hmget(k.meta, ...workFields.names)
      .hlen(k.calls)
      .exec()) as [[null, (string | null)[]], [null, number]]
    const meta = workFields.parse(values)
    if (meta === null) continue
    const { status, lane, total, succeeded, failed, pause_reason: reason } = meta
    const before = work.get(lane) ?? noWork
    if (status === 'paused' && isOfLane(reason)) work.set(lane, { ...before, pauseReason: reason })
    if (status !== 'in_progress') continue
    const left = total - succeeded - failed - calls
    work.set(lane, { ...before, items: before.items + Math.max(0, left), batches: before.batches + 1 })
  }
  return work
}
