import { z } from 'zod'
import { type ApiError, invalidRequest } from './errors.ts'
import { type Faults, faultPlan } from './faults.ts'
import type { Latency, LatencySettings } from './latency.ts'
import { headerFamilies } from './limit-headers.ts'
import type { Limits, LimitSettings } from './limits.ts'
import type { Stats } from './stats.ts'

const limitsBody = z.strictObject({
  /** The model that these limits are for; none: all other models. */
  model: z.string().optional(),
  rpm: z.number().positive().nullable().optional(),
  tpm: z.number().positive().nullable().optional(),
  burst_s: z.number().positive().optional(),
  window_s: z.number().positive().nullable().optional(),
  charge: z.enum(['admission', 'answer']).optional(),
  factor: z.number().positive().optional(),
  headers: z.enum(headerFamilies).optional(),
  retry_after: z.enum(['ms', 'seconds', 'none']).optional(),
})
const latencyBody = z.strictObject({ p50_ms: z.number().min(0), spread: z.number().min(0).optional() })

export interface ControlParts {
  readonly faults: Faults
  readonly limits: Limits
  readonly latency: Latency
  readonly stats: Stats
}

export interface Control {
  /** Does what a POST to `/_simulator/<what>` asks for. Returns the current settings; null if there is no such resource. */
  change(what: string, body: unknown): { readonly now: object } | { readonly error: ApiError } | null
}

/** `reset` restores the settings of the start and clears the statistics. */
export function createControl(
  { faults, limits, latency, stats }: ControlParts,
  initial: { faults: z.infer<typeof faultPlan>; limits: LimitSettings; latency: LatencySettings },
): Control {
  return {
    change(what, body) {
      switch (what) {
        case 'faults': {
          const parsed = faultPlan.safeParse(body)
          if (!parsed.success) return refuse(parsed.error)
          faults.set(parsed.data)
          return { now: parsed.data }
        }
        case 'limits': {
          const parsed = limitsBody.safeParse(body)
          if (!parsed.success) return refuse(parsed.error)
          const next = changedLimits(limits.settings, parsed.data)
          limits.set(next, performance.now(), parsed.data.model)
          return { now: shownLimits(next) }
        }
        case 'latency': {
          const parsed = latencyBody.safeParse(body)
          if (!parsed.success) return refuse(parsed.error)
          latency.set({ p50Ms: parsed.data.p50_ms, spread: parsed.data.spread ?? latency.settings.spread })
          return { now: { p50_ms: latency.settings.p50Ms, spread: latency.settings.spread } }
        }
        case 'reset':
          faults.set({ rates: {}, script: [], ...initial.faults })
          limits.set(initial.limits, performance.now())
          latency.set(initial.latency)
          stats.reset()
          return { now: {} }
        default:
          return null
      }
    },
  }
}

function changedLimits(before: LimitSettings, body: z.infer<typeof limitsBody>): LimitSettings {
  return {
    rpm: body.rpm === undefined ? before.rpm : body.rpm,
    tpm: body.tpm === undefined ? before.tpm : body.tpm,
    burstS: body.burst_s ?? before.burstS,
    windowS: body.window_s === undefined ? before.windowS : body.window_s,
    charge: body.charge ?? before.charge,
    factor: body.factor ?? before.factor,
    headers: body.headers ?? before.headers,
    retryAfter: body.retry_after ?? before.retryAfter,
  }
}

function shownLimits({ rpm, tpm, burstS, windowS, charge, factor, headers, retryAfter }: LimitSettings): object {
  return { rpm, tpm, burst_s: burstS, window_s: windowS, charge, factor, headers, retry_after: retryAfter }
}

function refuse(error: z.ZodError): { error: ApiError } {
  const [issue] = error.issues
  const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join('.')
  return { error: invalidRequest(`${param === null ? '' : `${param}: `}${issue?.message ?? 'not valid'}`, param) }
}
