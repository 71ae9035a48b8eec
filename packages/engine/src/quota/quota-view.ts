import type { LaneLimit, LaneModel } from '@sluice/contract/lane-view'
import type { Redis } from 'ioredis'
import { loadScript } from '../redis/script.ts'

const view = loadScript(new URL('view.lua', import.meta.url))
const resume = loadScript(new URL('resume.lua', import.meta.url))

interface QuotaState {
  readonly configured?: readonly StoredLimit[]
  readonly models?: readonly {
    readonly model: string
    readonly in_flight: { readonly requests: number; readonly tokens: number; readonly waiting: number }
    readonly held_until?: number
    readonly reason?: string
    readonly cost_factor?: number
    readonly binds?: string
    readonly starting: boolean
    readonly limits:
      | readonly (StoredLimit & { readonly name: string; readonly source: 'header' | 'learned' })[]
      | object
  }[]
}

interface StoredLimit {
  readonly unit: 'requests' | 'tokens'
  readonly limit?: number
  readonly period_ms?: number
  readonly left: number
  readonly most: number
  readonly resets_at?: number
}

export interface QuotaView {
  readonly limits: readonly LaneLimit[]
  readonly models: readonly LaneModel[]
}

/** What a lane's quota knows of its limits, for people and metrics. */
export async function readQuota(redis: Redis, keys: { readonly quota: string }): Promise<QuotaView> {
  const state = JSON.parse((await view(redis, keys)) as string) as QuotaState
  return {
    limits: (state.configured ?? []).map((limit) => toLimit(limit, `${limit.unit} configured`, 'configuration')),
    models: (state.models ?? []).map((model) => ({
      model: model.model,
      requests_in_flight: model.in_flight.requests,
      tokens_in_flight: Math.round(model.in_flight.tokens),
      cost_factor: model.cost_factor === undefined ? null : Math.round(model.cost_factor * 1_000) / 1_000,
      held_until: model.held_until === undefined ? null : model.held_until / 1_000,
      waits_for: waitReason(model),
      binding_limit: model.binds ?? null,
      // An empty table of Lua is an object in JSON.
      limits: Array.isArray(model.limits)
        ? (model.limits as (StoredLimit & { name: string; source: 'header' | 'learned' })[]).map((limit) =>
            toLimit(limit, limit.name, limit.source),
          )
        : [],
    })),
  }
}

/** Ends every wait of the lane and begins again as a lane that knows nothing; configured limits keep their counts. */
export async function resumeQuota(redis: Redis, keys: { readonly quota: string }): Promise<void> {
  await resume(redis, keys)
}

function toLimit(stored: StoredLimit, name: string, source: LaneLimit['source']): LaneLimit {
  return {
    name,
    unit: stored.unit,
    source,
    limit: stored.limit === undefined ? null : Math.round(stored.limit),
    period_s: stored.period_ms === undefined ? null : Math.round(stored.period_ms) / 1_000,
    remaining: Math.round(stored.left),
    used: Math.max(0, Math.round(stored.most - stored.left)),
    resets_at: stored.resets_at === undefined ? null : stored.resets_at / 1_000,
  }
}

function waitReason(model: NonNullable<QuotaState['models']>[number]): string | null {
  if (model.reason === 'overloaded') return 'The provider failed several calls in a row.'
  if (model.reason === 'refused') return 'The provider refused a call (429) and its wait is not over.'
  if (model.reason === 'used up') return `The limit '${model.binds}' is used up until it resets.`
  if (model.in_flight.waiting === 0) return null
  if (model.starting) return 'The first answers are not there yet: the lane begins with ten calls.'
  return model.binds === undefined ? null : `The limit '${model.binds}' sets the pace.`
}
