import { isIP } from 'node:net'
import { parseRedisAddress } from '@sluice/contract/redis-address'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^[0-9]+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
const decimal = (unit: string, min: number, max: number) =>
  z
    .string()
    .regex(/^[0-9]+(\.[0-9]+)?$/, `must be a number of ${unit}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))
const flag = z
  .enum(['true', 'false', '1', '0'], 'must be true or false')
  .transform((value) => value === 'true' || value === '1')
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)
const url = (protocol: RegExp, example: string) => z.url({ protocol, error: `must be a URL such as ${example}` })

/** A proxy as Express accepts it: an address, a network, or a name of networks. */
function isProxy(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  return isIP(address) > 0 && more.length === 0 && (bits === undefined || /^\d{1,3}$/.test(bits))
}

/** Every variable, except the simulator's. Users find them in docs/reference/configuration.md; a test checks that none is missing there. */
export const variables = {
  REDIS_URL: z
    .string()
    .refine((url) => parseRedisAddress(url) !== null, 'must be a URL such as redis://127.0.0.1:6379')
    .optional(),
  SLUICE_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'must be 1 to 64 letters, digits, `_`, `.` or `-`')
    .default('sluice'),
  SLUICE_ALLOW_WEAK_DURABILITY: flag.default(false),

  HOST: z.string().default('127.0.0.1'),
  /** 0: any free port. */
  PORT: wholeNumber(0, 65_535).default(3000),
  SLUICE_API_KEYS: list.pipe(z.array(z.string()).min(1, 'contains no key')).optional(),
  SLUICE_ALLOW_WEAK_KEYS: flag.default(false),
  SLUICE_TRUST_PROXY: list
    .transform((parts) => (parts.length === 1 && /^\d{1,2}$/.test(parts[0]!) ? Number(parts[0]) : parts))
    .refine(
      (value) => typeof value === 'number' || (value.length > 0 && value.every(isProxy)),
      'must be the number of proxies in front of the API, or their addresses, such as 10.0.0.0/8',
    )
    .optional(),
  SLUICE_BODY_LIMIT_MB: wholeNumber(1, 512).default(32),
  SLUICE_BODY_IDLE_S: decimal('seconds', 0.1, 3_600).default(60),
  SLUICE_READER_STALL_S: decimal('seconds', 0.1, 3_600).default(120),
  SLUICE_DOCUMENT_MB: wholeNumber(1, 512).default(32),
  SLUICE_DOCUMENT_PAGES: wholeNumber(1, 1_000_000).default(2_000),
  SLUICE_DOCUMENT_S: decimal('seconds', 0.1, 3_600).default(60),
  /** What all files of /openai/v1 may take in Redis, compressed. */
  SLUICE_FILES_MB: wholeNumber(1, 1_000_000).default(2_048),
  /** An endpoint `default` for all events, signed with these secrets; they also sign the webhooks that batches ask for. */
  SLUICE_WEBHOOK_URL: url(/^https?$/, 'https://example.com/hook').optional(),
  SLUICE_WEBHOOK_SECRETS: list.optional(),
  SLUICE_WEBHOOK_ALLOW: list.optional(),
  SLUICE_QUEUES_READONLY: flag.default(true),

  SLUICE_CONCURRENCY: wholeNumber(1, 10_000).default(100),
  /** Less than the 10 s after which `docker stop` kills, with a second left to hand back running items. */
  SLUICE_GRACE_S: decimal('seconds', 0, 3_600).default(8),
  SLUICE_RETENTION_DAYS: decimal('days', 0.00001, 36_500).optional(),

  OPENAI_API_KEY: z.string().optional(),
  OPENAI_ORG_ID: z.string().optional(),
  OPENAI_PROJECT_ID: z.string().optional(),
  OPENAI_BASE_URL: url(/^https?$/, 'http://127.0.0.1:8000/v1').optional(),
  SLUICE_MODEL: z.string().optional(),
  /** Further names that raw requests may use for the default lane's model; `*`: any, each sent as it is. */
  SLUICE_MODELS: list.optional(),
  /** Address of the simulator, used if no provider is configured. Set by `start` and by docker-compose.yml. */
  SLUICE_SIMULATOR_URL: url(/^https?$/, 'http://127.0.0.1:4010/v1').optional(),
  SLUICE_RPM: wholeNumber(1, 1_000_000_000).optional(),
  SLUICE_TPM: wholeNumber(1, 1_000_000_000_000).optional(),
  SLUICE_MAX_IN_FLIGHT: wholeNumber(1, 1_000_000).optional(),
  SLUICE_CONTEXT_TOKENS: wholeNumber(256, 100_000_000).optional(),
  SLUICE_MAX_OUTPUT_TOKENS: wholeNumber(1, 100_000_000).optional(),
  SLUICE_TIMEOUT_MS: wholeNumber(100, 3_600_000).optional(),
  SLUICE_STRUCTURED_OUTPUT: z
    .enum(['json_schema', 'json_object', 'prompt'], 'must be json_schema, json_object or prompt')
    .optional(),

  SLUICE_CONFIG: z.string().optional(),
  SLUICE_LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be fatal, error, warn, info, debug, trace or silent',
    )
    .default('info'),
} as const

type Variables = typeof variables
export type Environment = { readonly [Name in keyof Variables]: z.output<Variables[Name]> }

/**
 * Parses all variables; throws one ConfigError with a line for each wrong one.
 * An empty variable counts as not set, because compose files and shells pass unset variables on as empty ones.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const lines: string[] = []
  const entries = Object.entries(variables).map(([name, schema]) => {
    const value = env[name]
    const parsed = schema.safeParse(value === '' ? undefined : value)
    if (!parsed.success)
      lines.push(`${name} ${parsed.error.issues[0]?.message ?? 'is not valid'}; ${shown(name, value)}`)
    return [name, parsed.data]
  })
  if (lines.length > 0) throw new ConfigError(lines)
  return Object.fromEntries(entries) as Environment
}

/** Keys, and URLs that may contain a password, must not appear in logs. */
function shown(name: string, value: string | undefined): string {
  return /KEY|URL|SECRET/.test(name) ? 'the value that is set is not' : `got ${JSON.stringify(value)}`
}
