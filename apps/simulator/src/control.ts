import { z } from 'zod'
import { type ApiError, invalidRequest } from './errors.ts'
import { type Faults, faultPlan } from './faults.ts'
import type { Latency, LatencySettings } from './latency.ts'
import type { Limits, LimitSettings } from './limits.ts'
import type { Stats } from './stats.ts'

const limitsBody = z.strictObject({
  rpm: z.number().positive().nullable().optional(),
  tpm: z.number().positive().nullable().optional(),
  burst_s: z.number().positive().optional(),
})
const latencyBody = z.strictObject({ p50_ms: z.number().min(0), spread: z.number().min(0).optional() })

export interface ControlParts {
  readonly faults: Faults
  readonly limits: Limits
  readonly latency: Latency
  readonly stats: Stats
}

export interface Control {
  /** Does what a POST to `/_simulator/<what>` asks for; the answer is what holds now. Null when there is no such thing. */
  change(what: string, body: unknown): { readonly now: object } | { readonly error: ApiError } | null
}

/** `reset` goes back to what the simulator was started with, and forgets what it served. */
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
          const { rpm, tpm, burst_s } = parsed.data
          const before = limits.settings
          limits.set(
            {
              rpm: rpm === undefined ? before.rpm : rpm,
              tpm: tpm === undefined ? before.tpm : tpm,
              burstS: burst_s ?? before.burstS,
            },
            performance.now(),
          )
          return { now: { rpm: limits.settings.rpm, tpm: limits.settings.tpm, burst_s: limits.settings.burstS } }
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

function refuse(error: z.ZodError): { error: ApiError } {
  const [issue] = error.issues
  const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join('.')
  return { error: invalidRequest(`${param === null ? '' : `${param}: `}${issue?.message ?? 'not valid'}`, param) }
}
