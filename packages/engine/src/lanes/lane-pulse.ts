import type { LaneConfig } from '@sluice/contract/lane'
import type { LaneLimit, LaneModel } from '@sluice/contract/lane-view'
import type { Redis } from 'ioredis'
import { readQuota } from '../quota/quota-view.ts'
import type { Keys } from '../redis/keys.ts'
import { readGauges } from './lane-stats.ts'
import { readLiveWorkers } from './window.ts'

/** A page of a list shows up to 100 batches, most of one lane. */
const freshMs = 250
/** Waits of a moment are part of normal work at a limit. */
const shortestHoldMs = 1_000

export interface LaneHold {
  readonly untilMs: number
  readonly reason: string
}

/** What sets the pace of a lane now. */
export interface LanePulse {
  /** The lane's own model, which calls use whose extractor names none. */
  readonly model: string
  readonly workers: number
  /** Calls in flight that all workers together may have, and have. */
  readonly concurrency: number
  readonly inFlight: number
  readonly waitingForQuota: number
  /** Of the configuration: all models share them. */
  readonly limits: readonly LaneLimit[]
  readonly models: readonly LaneModel[]
}

/** Null for a lane that is not configured. */
export type ReadLanePulse = (lane: string) => Promise<LanePulse | null>

/** Reads a lane at most four times a second in this process, however many of its batches are shown. */
export function createLanePulses({
  redis,
  keys,
  lanes,
}: {
  readonly redis: Redis
  readonly keys: Keys
  readonly lanes: Readonly<Record<string, LaneConfig>>
}): ReadLanePulse {
  const kept = new Map<string, { readonly until: number; readonly pulse: Promise<LanePulse> }>()

  return async (lane) => {
    const config = Object.hasOwn(lanes, lane) ? lanes[lane] : undefined
    if (config === undefined) return null
    const last = kept.get(lane)
    if (last !== undefined && Date.now() < last.until) return last.pulse
    const pulse = read(lane, config)
    kept.set(lane, { until: Date.now() + freshMs, pulse })
    pulse.catch(() => kept.delete(lane))
    return pulse
  }

  async function read(lane: string, { model }: LaneConfig): Promise<LanePulse> {
    const k = keys.lane(lane)
    const [members, gauges, quota] = await Promise.all([
      readLiveWorkers(redis, k),
      readGauges(redis, k),
      readQuota(redis, k),
    ])
    const concurrency = members.reduce((sum, member) => sum + Number(member.split('|')[2] ?? 0), 0)
    return { model, workers: members.length, concurrency, ...gauges, ...quota }
  }
}

/** The longest wait that the provider asked a model of the lane for, as far as it lasts a second or longer; null: none. */
export function holdOf({ models }: Pick<LanePulse, 'models'>, nowMs: number): LaneHold | null {
  const [longest] = models
    .map(({ model, held_until: until, waits_for: reason }) => ({ untilMs: (until ?? 0) * 1_000, reason, model }))
    .toSorted((a, b) => b.untilMs - a.untilMs)
  if (longest === undefined || longest.untilMs < nowMs + shortestHoldMs) return null
  return { untilMs: longest.untilMs, reason: `${longest.model}: ${longest.reason ?? 'The provider asked to wait.'}` }
}
