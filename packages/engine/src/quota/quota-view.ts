import type { LaneLimit, LaneModel } from '@sluice/contract/lane-view'
import type { Redis } from 'ioredis'
import { loadScript } from '../redis/script.ts'

const view = loadScript(new URL('view.lua', import.meta.url))
const resume = loadScript(new URL('resume.lua', import.meta.url))

interface QuotaState {
  readonly configured?: readonly StoredLimit[]
  readonly models?: readonly StoredModel[]
}

interface StoredModel {
  readonly model: string
  readonly in_flight: { readonly requests: number; readonly tokens: number; readonly waiting: number }
  readonly held_until?: number
  readonly reason?: string
  readonly cost_factor?: number
  readonly binds?: string
  readonly starting: boolean
  /** Of the limit that binds: what it has left after one more call, as a share of all it holds. */
  readonly room?: number
  /** Tokens of a call. */
  readonly cost: number
  /** An empty table of Lua is an object in JSON. */
  readonly limits: readonly KnownLimit[] | object
}

interface Binding {
  readonly name: string | null
  /** There is no room for one more call. */
  readonly isUsedUp: boolean
}

type KnownLimit = StoredLimit & { readonly name: string; readonly source: 'header' | 'learned' }

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
  const { configured = [], models = [] } = JSON.parse((await view(redis, keys)) as string) as QuotaState
  return {
    limits: configured.map((limit) => toLimit(limit, nameOf(limit), 'configuration')),
    models: models.map((model) => {
      const known = Array.isArray(model.limits) ? (model.limits as KnownLimit[]) : []
      const binding = bindingLimit(model, known, configured)
      return {
        model: model.model,
        requests_in_flight: model.in_flight.requests,
        tokens_in_flight: Math.round(model.in_flight.tokens),
        cost_factor: model.cost_factor === undefined ? null : Math.round(model.cost_factor * 1_000) / 1_000,
        held_until: model.held_until === undefined ? null : model.held_until / 1_000,
        waits_for: waitReason(model, binding),
        binding_limit: binding.name,
        limits: known.map((limit) => toLimit(limit, limit.name, limit.source)),
      }
    }),
  }
}

/** A limit of the configuration: a lane may have several of a unit. */
function nameOf({ unit, period_ms: periodMs = 60_000 }: StoredLimit): string {
  return `${unit} per ${periodMs / 1_000} s`
}

/** The limit with the least room, of those that the provider reports, that were learned, and that are configured. */
function bindingLimit(model: StoredModel, known: readonly KnownLimit[], configured: readonly StoredLimit[]): Binding {
  let binding = model.binds ?? null
  let least = model.room ?? Number.POSITIVE_INFINITY
  for (const limit of configured) {
    // The provider knows better what its own limit allows at once (exchange.lua).
    const idle = known.some(
      ({ source, unit, limit: most = Number.POSITIVE_INFINITY }) =>
        source === 'header' && unit === limit.unit && limit.period_ms === 60_000 && most <= (limit.limit ?? 0),
    )
    const room = (limit.left - (limit.unit === 'requests' ? 1 : model.cost)) / Math.max(limit.most, 1)
    if (!idle && room < least) [binding, least] = [nameOf(limit), room]
  }
  return { name: binding, isUsedUp: least < 0 }
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

function waitReason(model: StoredModel, binding: Binding): string | null {
  if (model.reason === 'overloaded') return 'The provider failed several calls in a row.'
  if (model.reason === 'refused') return 'The provider refused a call (429) and its wait is not over.'
  if (model.reason === 'used up') return `The limit '${model.binds}' is used up until it resets.`
  if (model.in_flight.waiting === 0) return null
  if (model.starting && !binding.isUsedUp) {
    return 'The first answers are not there yet: the lane begins with ten calls.'
  }
  return binding.name === null ? null : `The limit '${binding.name}' sets the pace.`
}
