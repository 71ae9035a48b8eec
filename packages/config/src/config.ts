import { laneConfig, type LaneConfig } from '@sluice/contract/lane'
import { parseRedisAddress } from '@sluice/contract/redis-address'
import type { WebhookConfig } from '@sluice/contract/webhook'
import type { CodeExtractor } from './code-extractor.ts'
import { loadConfigFile, type LoadedFile } from './config-file.ts'
import { ConfigError } from './config-error.ts'
import { readEnvironment, type Environment } from './environment.ts'
import { secretsOfWebhooks, webhooksOf } from './webhooks.ts'

/** Everything that a process gets from outside, parsed once. */
export interface Config {
  readonly redisUrl: string
  /** Every Redis key starts with it. */
  readonly prefix: string
  /** Accept, with a warning, a Redis that may lose acknowledged writes. */
  readonly allowWeakDurability: boolean
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  readonly api: {
    readonly host: string
    /** 0: any free port. */
    readonly port: number
    /** Empty: no key is required, and the host is a loopback address. */
    readonly apiKeys: readonly string[]
    /** A warning about keys that can be guessed, if SLUICE_ALLOW_WEAK_KEYS accepts them; null: none. */
    readonly weakKeys: string | null
    /** The proxies in front of the API that report where a request came from: their number or their addresses; false: none. */
    readonly trustProxy: number | readonly string[] | false
    readonly bodyLimitBytes: number
    /** What all files may take in Redis, compressed. */
    readonly filesBytes: number
    /** How long a body may stop, and a reader of results may take nothing, before the connection is closed. */
    readonly patience: { readonly bodyIdleMs: number; readonly readerStallMs: number }
    readonly queuesReadOnly: boolean
    /** Limits of one document. */
    readonly documents: { readonly bytes: number; readonly pages: number; readonly timeMs: number }
  }
  readonly worker: {
    /** Calls in flight of one worker process. */
    readonly concurrency: number
    /** How long running items may continue after SIGTERM before they are handed back. */
    readonly graceMs: number
    /** Ended batches and their results are deleted after this time; null: never. */
    readonly retentionMs: number | null
  }
  /** By name; at least one. */
  readonly lanes: Readonly<Record<string, LaneConfig>>
  /** No provider is configured: the simulator answers on the lane `default`, not a model. */
  readonly usesSimulator: boolean
  /** Everything that must not appear in a log, an answer or a result: keys and passwords, those of lanes included. */
  readonly secrets: readonly string[]
  /** Endpoints, and the secrets that sign what is sent to them. */
  readonly webhooks: WebhookConfig
  /** Extractors in code, in the order of the file. */
  readonly extractors: readonly CodeExtractor[]
}

const shortestKey = 16

/**
 * Reads the environment and the configuration file. Throws a ConfigError whose message has one readable line per
 * problem. A wrong value is never replaced by a default.
 */
export async function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  directory: string = process.cwd(),
): Promise<Config> {
  const environment = readEnvironment(env)
  const file = await loadConfigFile(environment.SLUICE_CONFIG, directory)
  const lanes = withDefaultLane(environment, file)
  requireLanes(file, lanes.lanes)
  const webhooks = webhooksOf(environment, file)
  const days = environment.SLUICE_RETENTION_DAYS
  return {
    redisUrl: requireRedisUrl(environment),
    prefix: environment.SLUICE_PREFIX,
    allowWeakDurability: environment.SLUICE_ALLOW_WEAK_DURABILITY,
    logLevel: environment.SLUICE_LOG_LEVEL,
    api: {
      host: environment.HOST,
      port: environment.PORT,
      apiKeys: requireKeys(environment),
      weakKeys: weakKeys(environment),
      trustProxy: environment.SLUICE_TRUST_PROXY ?? false,
      bodyLimitBytes: environment.SLUICE_BODY_LIMIT_MB * 1024 * 1024,
      filesBytes: environment.SLUICE_FILES_MB * 1024 * 1024,
      patience: {
        bodyIdleMs: environment.SLUICE_BODY_IDLE_S * 1_000,
        readerStallMs: environment.SLUICE_READER_STALL_S * 1_000,
      },
      queuesReadOnly: environment.SLUICE_QUEUES_READONLY,
      documents: {
        bytes: environment.SLUICE_DOCUMENT_MB * 1024 * 1024,
        pages: environment.SLUICE_DOCUMENT_PAGES,
        timeMs: environment.SLUICE_DOCUMENT_S * 1_000,
      },
    },
    worker: {
      concurrency: environment.SLUICE_CONCURRENCY,
      graceMs: environment.SLUICE_GRACE_S * 1_000,
      retentionMs: days === undefined ? null : days * 86_400_000,
    },
    ...lanes,
    secrets: [...secretsOf(environment, lanes.lanes), ...secretsOfWebhooks(webhooks)],
    webhooks,
    extractors: file.extractors,
  }
}

/** The addresses of what `start` runs are known later. These placeholders parse, so that everything else can be checked before. */
const placeholders = { REDIS_URL: 'redis://127.0.0.1:1', SLUICE_SIMULATOR_URL: 'http://127.0.0.1:1/v1' }

/** As `readConfig`, for `start`, which runs a Redis if none is configured: then `redisUrl` is undefined, and that of `config` a placeholder. */
export async function readConfigForStart(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly config: Config; readonly redisUrl: string | undefined }> {
  const redisUrl = env['REDIS_URL'] || undefined
  const config = await readConfig({ ...env, ...placeholders, REDIS_URL: redisUrl ?? placeholders.REDIS_URL })
  return { config, redisUrl }
}

type Lanes = Pick<Config, 'lanes' | 'usesSimulator'>

/** The variables define the lane `default`, unless the file has one. They do not change the lanes of the file. */
function withDefaultLane(environment: Environment, file: LoadedFile): Lanes {
  const fromFile = { lanes: file.lanes, usesSimulator: false }
  if (file.lanes['default'] !== undefined) return fromFile
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl, SLUICE_MODEL: model } = environment
  const { OPENAI_ORG_ID: organization, OPENAI_PROJECT_ID: project } = environment
  const hasLanes = Object.keys(file.lanes).length > 0
  if (apiKey === undefined && baseUrl === undefined) return hasLanes ? fromFile : simulatorLane(environment)
  if (model === undefined) {
    // The key may be set for the lanes of the file.
    if (hasLanes) return fromFile
    throw new ConfigError(['SLUICE_MODEL is not set: set it to the model to use, such as gpt-4.1-mini'])
  }
  const defaultLane = laneConfig.parse({
    apiKey,
    baseUrl,
    headers: {
      ...(organization === undefined ? {} : { 'openai-organization': organization }),
      ...(project === undefined ? {} : { 'openai-project': project }),
    },
    model,
    models: Object.fromEntries((environment.SLUICE_MODELS ?? []).map((name) => [name, name])),
    rpm: environment.SLUICE_RPM,
    tpm: environment.SLUICE_TPM,
    maxInFlight: environment.SLUICE_MAX_IN_FLIGHT,
    contextTokens: environment.SLUICE_CONTEXT_TOKENS,
    maxOutputTokens: environment.SLUICE_MAX_OUTPUT_TOKENS,
    timeoutMs: environment.SLUICE_TIMEOUT_MS,
    structuredOutput: environment.SLUICE_STRUCTURED_OUTPUT,
  })
  return { lanes: { default: defaultLane, ...file.lanes }, usesSimulator: false }
}

function simulatorLane({ SLUICE_SIMULATOR_URL: baseUrl }: Environment): Lanes {
  if (baseUrl === undefined) {
    throw new ConfigError([
      'No provider is configured: set OPENAI_API_KEY or OPENAI_BASE_URL together with SLUICE_MODEL, or define lanes in sluice.config.ts',
    ])
  }
  // The simulator accepts any model; this name shows that it has answered.
  return { lanes: { default: laneConfig.parse({ baseUrl, model: 'simulator' }) }, usesSimulator: true }
}

function requireLanes(file: LoadedFile, lanes: Config['lanes']): void {
  const lines = file.extractors
    .map(({ definition }) => definition)
    .filter(({ lane }) => lanes[lane] === undefined)
    .map(
      ({ name, lane }) =>
        `extractor '${name}': there is no lane '${lane}'; the lanes are ${Object.keys(lanes).join(', ')}`,
    )
  if (lines.length > 0) throw new ConfigError(lines)
}

function requireRedisUrl({ REDIS_URL }: Environment): string {
  if (REDIS_URL !== undefined) return REDIS_URL
  throw new ConfigError([
    'REDIS_URL is not set: set it to a Redis, such as redis://127.0.0.1:6379, or run `npx -y pnpm@12 start`, which starts its own',
  ])
}

/** Headers whose values are secrets. */
const secretHeader = /key|auth|token|secret|cookie|password/

function secretsOf(environment: Environment, lanes: Config['lanes']): readonly string[] {
  const { SLUICE_API_KEYS = [], OPENAI_API_KEY, REDIS_URL = '' } = environment
  const ofLanes = Object.values(lanes).flatMap(({ apiKey, headers, baseUrl }) => [
    apiKey,
    ...Object.entries(headers).flatMap(([name, value]) => (secretHeader.test(name) ? [value] : [])),
    ...(baseUrl === undefined ? [] : secretsOfUrl(new URL(baseUrl))),
  ])
  const all = [...SLUICE_API_KEYS, OPENAI_API_KEY, ...ofLanes, parseRedisAddress(REDIS_URL)?.password]
  return all.filter((secret): secret is string => secret !== undefined && secret !== '')
}

/** `https://user:password@host`, and `?api-key=...`. */
function secretsOfUrl({ password, searchParams }: URL): string[] {
  return [decodeURIComponent(password), ...searchParams.values()]
}

/** Without keys, everyone who reaches the port can spend money. So only this machine may reach it. */
function requireKeys(environment: Environment): readonly string[] {
  const { HOST, SLUICE_API_KEYS } = environment
  if (SLUICE_API_KEYS !== undefined) {
    const weak = weakKeys(environment)
    if (weak !== null && !environment.SLUICE_ALLOW_WEAK_KEYS)
      throw new ConfigError([
        `${weak} Make one with: openssl rand -hex 24. Or set SLUICE_ALLOW_WEAK_KEYS=true to accept that risk.`,
      ])
    return SLUICE_API_KEYS
  }
  if (isLoopback(HOST)) return []
  throw new ConfigError([
    `HOST is ${HOST}, which other machines can reach: set SLUICE_API_KEYS, or leave HOST at 127.0.0.1`,
  ])
}

/** Reports keys that can be guessed: a key allows everything, and a few characters can be tried within days. The key is never quoted. */
function weakKeys({ SLUICE_API_KEYS = [] }: Environment): string | null {
  const short = SLUICE_API_KEYS.flatMap((key, index) => (key.length < shortestKey ? [index + 1] : []))
  if (short.length === 0) return null
  return `SLUICE_API_KEYS: key ${short.join(', ')} of ${SLUICE_API_KEYS.length} is shorter than ${shortestKey} characters, so it can be guessed.`
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
