import type { LaneConfig } from '@sluice/contract/lane'
import type { LaneView } from '@sluice/contract/lane-view'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { type QuotaView, readQuota } from '../quota/quota-view.ts'
import type { Keys, LaneKeys } from '../redis/keys.ts'
import { latencyBounds, readGauges } from './lane-stats.ts'
import { type LaneWork, noWork, type ReadLaneWork } from './lane-work.ts'
import { readLiveWorkers } from './window.ts'

export interface ReadLanesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly lanes: Readonly<Record<string, LaneConfig>>
  readonly work: ReadLaneWork
  readonly queueOf: (lane: string) => Queue
}

/** Reads what every lane does now. */
export async function readLanes({
  redis,
  keys,
  lanes,
  work: readWork,
  queueOf,
}: ReadLanesDependencies): Promise<LaneView[]> {
  const work = await readWork()
  return Promise.all(
    Object.entries(lanes).map(async ([name, config]) =>
      toLaneView(name, config, work.get(name) ?? noWork, await readLane(redis, keys.lane(name), queueOf(name))),
    ),
  )
}

/** What one lane's own keys and its queue say. */
interface LaneState {
  readonly jobs: Readonly<Record<string, number>>
  readonly workers: number
  /** Calls in flight that all workers together may have. */
  readonly concurrency: number
  readonly stats: Readonly<Record<string, string>>
  readonly inFlight: number
  readonly waitingForQuota: number
  readonly quota: QuotaView
}

async function readLane(redis: Redis, k: LaneKeys, queue: Queue): Promise<LaneState> {
  const [jobs, members, stats, gauges, quota] = await Promise.all([
    queue.getJobCounts('wait', 'prioritized', 'active', 'delayed'),
    readLiveWorkers(redis, k),
    redis.hgetall(k.stats),
    readGauges(redis, k),
    readQuota(redis, k),
  ])
  const concurrency = members.reduce((sum, member) => sum + Number(member.split('|')[2] ?? 0), 0)
  return { jobs, workers: members.length, concurrency, stats, ...gauges, quota }
}

function toLaneView(name: string, { model, prices }: LaneConfig, work: LaneWork, lane: LaneState): LaneView {
  const number = (field: string) => Number(lane.stats[field] ?? 0)
  return {
    object: 'lane',
    name,
    model,
    workers: lane.workers,
    concurrency: lane.concurrency,
    workers_wanted: workersWanted({ ...lane, items: work.items + lane.inFlight }),
    in_flight: lane.inFlight,
    waiting_for_quota: lane.waitingForQuota,
    held_until: heldUntil(lane.quota),
    limits: [...lane.quota.limits],
    models: [...lane.quota.models],
    items_waiting: work.items,
    window: {
      waiting: (lane.jobs['wait'] ?? 0) + (lane.jobs['prioritized'] ?? 0),
      active: lane.jobs['active'] ?? 0,
      delayed: lane.jobs['delayed'] ?? 0,
    },
    batches: work.batches,
    pause_reason: work.pauseReason,
    calls: Object.fromEntries(
      Object.keys(lane.stats).flatMap((field) => (field.startsWith('calls ') ? [[field.slice(6), number(field)]] : [])),
    ),
    repeated_calls: number('repeated'),
    call_seconds: latencies(number),
    latency_s: percentiles(latencies(number)),
    refused_calls: number('calls rate-limited'),
    usage: {
      input_tokens: number('input_tokens'),
      cached_input_tokens: number('cached_input_tokens'),
      output_tokens: number('output_tokens'),
    },
    cost_usd: prices === undefined ? null : number('nano_usd') / 1e9,
  }
}

/** As many workers as the items could keep busy. Where calls wait for the limit, as many as the calls that are under way need. */
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

/** A histogram as Prometheus counts it: each bucket holds all calls up to its bound. */
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

/** Null before the first call. Beyond the last bound nothing is known: then the last bound. */
export function percentiles({ buckets, count }: LaneView['call_seconds']): LaneView['latency_s'] {
  if (count === 0) return null
  const bounds = latencyBounds.map((bound) => ({ bound, below: buckets[String(bound)] ?? 0 }))
  const at = (share: number): number => {
    const rank = share * count
    const i = bounds.findIndex(({ below }) => below >= rank)
    if (i < 0) return latencyBounds.at(-1)!
    const lower = i === 0 ? { bound: 0, below: 0 } : bounds[i - 1]!
    const { bound, below } = bounds[i]!
    const part = (rank - lower.below) / Math.max(1, below - lower.below)
    return Math.round((lower.bound + (bound - lower.bound) * part) * 1_000) / 1_000
  }
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

/** The latest time that a model of the lane is held to. */
function heldUntil({ models }: QuotaView): number | null {
  const held = models.flatMap((model) => (model.held_until === null ? [] : [model.held_until]))
  return held.length === 0 ? null : Math.max(...held)
}
