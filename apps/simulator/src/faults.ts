import { z } from 'zod'

/** The faults that the simulator can make, at a rate or for chosen texts. */
export const faultName = z.enum([
  'rate_limit',
  'insufficient_quota',
  'request_too_large',
  '500',
  '503',
  '529',
  '401',
  '404',
  'hang',
  'slow',
  'cut',
  'cut_after',
  'bad_json',
  'fenced_json',
  'schema_violation',
  'refusal',
  'truncation',
  'content_filter',
  'empty',
  'rate_limit_in_200',
  'error_in_200',
  'html',
  'broken_body',
  'no_message',
  'odd_usage',
])
export type FaultName = z.infer<typeof faultName>

export const faultPlan = z.strictObject({
  /** Share of calls, 0 to 1, each. */
  rates: z.partialRecord(faultName, z.number().min(0).max(1)).optional(),
  /** For texts that contain `match` (without it: all), `times` times. The script is used up in its order, before any rate applies. */
  script: z
    .array(
      z.strictObject({
        match: z.string().optional(),
        fault: faultName,
        times: z.int().min(1).default(1),
        retry_after_s: z.number().min(0).optional(),
      }),
    )
    .optional(),
})
export type FaultPlan = z.infer<typeof faultPlan>

export interface Fault {
  readonly name: FaultName
  readonly retryAfterS: number | undefined
}

export interface Faults {
  set(plan: FaultPlan): void
  /** The fault of this call, if it has one. */
  next(text: string): Fault | null
}

export function createFaults(random: () => number, initial: FaultPlan): Faults {
  let rates: [FaultName, number][] = []
  let script: { match: string; fault: FaultName; left: number; retryAfterS: number | undefined }[] = []
  const faults: Faults = {
    set(plan) {
      if (plan.rates !== undefined) rates = Object.entries(plan.rates) as [FaultName, number][]
      if (plan.script !== undefined) {
        script = plan.script.map(({ match = '', fault, times, retry_after_s }) => ({
          match,
          fault,
          left: times,
          retryAfterS: retry_after_s,
        }))
      }
    },
    next(text) {
      const scripted = script.find((one) => one.left > 0 && text.includes(one.match))
      if (scripted !== undefined) {
        scripted.left -= 1
        return { name: scripted.fault, retryAfterS: scripted.retryAfterS }
      }
      let draw = rates.length === 0 ? 1 : random()
      for (const [name, rate] of rates) {
        if (draw < rate) return { name, retryAfterS: undefined }
        draw -= rate
      }
      return null
    },
  }
  faults.set(initial)
  return faults
}
