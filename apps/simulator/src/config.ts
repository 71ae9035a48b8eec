import { z } from 'zod'
import { type FaultName, faultName } from './faults.ts'
import { headerFamilies, type HeaderFamily } from './limit-headers.ts'

const number = (fallback: number, min: number) =>
  z
    .string()
    .optional()
    .transform((text) => (text === undefined ? fallback : Number(text)))
    .pipe(z.number('must be a number').min(min, `must be ${min} or more`))
const optionalNumber = z
  .string()
  .optional()
  .transform((text) => (text === undefined ? null : Number(text)))
  .pipe(z.number('must be a number').positive('must be more than 0').nullable())

/** Rates as `500=0.01,hang=0.001`. */
const rates = z
  .string()
  .default('')
  .transform((text) =>
    Object.fromEntries(
      text
        .split(',')
        .filter((part) => part.trim() !== '')
        .map((part) => {
          const [name = '', rate = ''] = part.split('=')
          return [name.trim(), Number(rate)] as const
        }),
    ),
  )
  .pipe(z.partialRecord(faultName, z.number().min(0).max(1)))

const environment = z.object({
  SIMULATOR_HOST: z.string().default('127.0.0.1'),
  SIMULATOR_PORT: number(4010, 0),
  /** Median, in ms. */
  SIMULATOR_LATENCY_MS: number(300, 0),
  /** Sigma of the log-normal distribution around it; 0 for always the same. */
  SIMULATOR_LATENCY_SPREAD: number(0.25, 0),
  SIMULATOR_RPM: optionalNumber,
  SIMULATOR_TPM: optionalNumber,
  /** What the buckets hold, in seconds of refill: 60 for a whole minute, 1 if limits are enforced each second. */
  SIMULATOR_BURST_S: number(60, 0.001),
  /** Length of fixed windows in seconds, in place of buckets. */
  SIMULATOR_WINDOW_S: optionalNumber,
  /** `on`: OpenAI's; `off`: none. */
  SIMULATOR_HEADERS: z.enum(['on', 'off', ...headerFamilies]).default('on'),
  SIMULATOR_API_KEY: z.string().optional(),
  SIMULATOR_MODELS: z.string().default('simulator,gpt-4.1-mini'),
  /** Calls in flight from which on latency grows with the load. */
  SIMULATOR_CAPACITY: optionalNumber,
  SIMULATOR_SEED: number(1, 0),
  SIMULATOR_FAULTS: rates,
})

export interface SimulatorConfig {
  readonly host: string
  readonly port: number
  readonly latencyMs: number
  readonly latencySpread: number
  readonly rpm: number | null
  readonly tpm: number | null
  readonly burstS: number
  readonly windowS: number | null
  readonly headers: HeaderFamily
  readonly apiKey: string | null
  readonly models: readonly string[]
  readonly capacity: number | null
  readonly seed: number
  readonly faults: Readonly<Partial<Record<FaultName, number>>>
}

/** Parses the simulator's environment; throws an Error with one line that names the variable. */
export function readSimulatorConfig(env: NodeJS.ProcessEnv = process.env): SimulatorConfig {
  const known = new Set(Object.keys(environment.shape))
  const unknown = Object.keys(env).find((name) => name.startsWith('SIMULATOR_') && !known.has(name))
  if (unknown !== undefined)
    throw new Error(`${unknown} is no variable of the simulator: there is ${[...known].join(', ')}`)
  // As everywhere in this project, an empty variable counts as not set.
  const parsed = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`)
  }
  const it = parsed.data
  return {
    host: it.SIMULATOR_HOST,
    port: it.SIMULATOR_PORT,
    latencyMs: it.SIMULATOR_LATENCY_MS,
    latencySpread: it.SIMULATOR_LATENCY_SPREAD,
    rpm: it.SIMULATOR_RPM,
    tpm: it.SIMULATOR_TPM,
    burstS: it.SIMULATOR_BURST_S,
    windowS: it.SIMULATOR_WINDOW_S,
    headers: it.SIMULATOR_HEADERS === 'on' ? 'openai' : it.SIMULATOR_HEADERS === 'off' ? 'none' : it.SIMULATOR_HEADERS,
    apiKey: it.SIMULATOR_API_KEY || null,
    models: it.SIMULATOR_MODELS.split(',').map((model) => model.trim()),
    capacity: it.SIMULATOR_CAPACITY,
    seed: it.SIMULATOR_SEED,
    faults: it.SIMULATOR_FAULTS,
  }
}
