import { laneConfig, type LaneConfig } from '@sluice/contract/lane'
import { parseRedisAddress } from '@sluice/contract/redis-address'
import type { CodeExtractor } from './code-extractor.ts'
import { loadConfigFile, type LoadedFile } from './config-file.ts'
import { ConfigError } from './config-error.ts'
import { readEnvironment, type Environment } from './environment.ts'

/** All that a process is told from outside, parsed once. */
export interface Config {
  readonly redisUrl: string
  /** Every Redis key begins with it. */
  readonly prefix: string
  /** Go on, with a warning, on a Redis that may lose what was acknowledged. */
  readonly allowWeakDurability: boolean
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  readonly api: {
    readonly host: string
    /** 0: any free one. */
    readonly port: number
    /** Empty: no key is asked for, and the host is a loopback address. */
    readonly apiKeys: readonly string[]
    /** What to warn of: keys that can be guessed, where SLUICE_ALLOW_WEAK_KEYS lets them pass. */
    readonly weakKeys: string | null
    /** The proxies in front of the API that say where a request came from: how many, or which; false: none. */
    readonly trustProxy: number | readonly string[] | false
    readonly bodyLimitBytes: number
    readonly queuesReadOnly: boolean
    /** Of one document. */
    readonly documents: { readonly bytes: number; readonly pages: number; readonly timeMs: number }
  }
  readonly worker: {
    /** Calls in flight of one worker process. */
    readonly concurrency: number
    /** How long running items may go on after SIGTERM before they are handed back. */
    readonly graceMs: number
    /** Ended batches and their results are removed after this time; null: never. */
    readonly retentionMs: number | null
  }
  /** By name; at least one. */
  readonly lanes: Readonly<Record<string, LaneConfig>>
  /** No provider is configured: the lane `default` is answered by the simulator's rules, not by a model. */
  readonly usesSimulator: boolean
  /** Everything that must not appear in a log, an answer or a result: keys and passwords, those of lanes included. */
  readonly secrets: readonly string[]
  /** Those written in code, in the order of the file. */
  readonly extractors: readonly CodeExtractor[]
}

const shortestKey = 16

/**
 * Reads the environment and the configuration file. Throws a ConfigError whose message has one readable line for each
 * thing at fault; nothing that is wrong is replaced by a default.
 */
export async function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  directory: string = process.cwd(),
): Promise<Config> {
  const environment = readEnvironment(env)
  const file = await loadConfigFile(environment.SLUICE_CONFIG, directory)
  const lanes = withDefaultLane(environment, file)
  requireLanes(file, lanes.lanes)
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
    secrets: secretsOf(environment, lanes.lanes),
    extractors: file.extractors,
  }
}

type Lanes = Pick<Config, 'lanes' | 'usesSimulator'>

/** The variables make the lane `default`, unless the file has one; lanes of the file stand as they are written there. */
function withDefaultLane(environment: Environment, file: LoadedFile): Lanes {
  const fromFile = { lanes: file.lanes, usesSimulator: false }
  if (file.lanes['default'] !== undefined) return fromFile
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl, SLUICE_MODEL: model } = environment
  const hasLanes = Object.keys(file.lanes).length > 0
  if (apiKey === undefined && baseUrl === undefined) return hasLanes ? fromFile : simulatorLane(environment)
  if (model === undefined) {
    // A key may well be set for the lanes of the file to use.
    if (hasLanes) return fromFile
    throw new ConfigError(['SLUICE_MODEL is not set: name the model to use, such as gpt-4.1-mini'])
  }
  const defaultLane = laneConfig.parse({
    apiKey,
    baseUrl,
    model,
    rpm: environment.SLUICE_RPM,
    tpm: environment.SLUICE_TPM,
    maxInFlight: environment.SLUICE_MAX_IN_FLIGHT,
    contextTokens: environment.SLUICE_CONTEXT_TOKENS,
    timeoutMs: environment.SLUICE_TIMEOUT_MS,
    structuredOutput: environment.SLUICE_STRUCTURED_OUTPUT,
  })
  return { lanes: { default: defaultLane, ...file.lanes }, usesSimulator: false }
}

function simulatorLane({ SLUICE_SIMULATOR_URL: baseUrl }: Environment): Lanes {
  if (baseUrl === undefined) {
    throw new ConfigError([
      'No provider is configured: set OPENAI_API_KEY or OPENAI_BASE_URL together with SLUICE_MODEL, or name lanes in sluice.config.ts',
    ])
  }
  // It takes any model; this name tells what answered.
  return { lanes: { default: laneConfig.parse({ baseUrl, model: 'simulator' }) }, usesSimulator: true }
}

function requireLanes(file: LoadedFile, lanes: Config['lanes']): void {
  const lines = file.extractors
    .map(({ definition }) => definition)
    .filter(({ lane }) => lanes[lane] === undefined)
    .map(
      ({ name, lane }) => `extractor '${name}': there is no lane '${lane}'; there is ${Object.keys(lanes).join(', ')}`,
    )
  if (lines.length > 0) throw new ConfigError(lines)
}

function requireRedisUrl({ REDIS_URL }: Environment): string {
  if (REDIS_URL !== undefined) return REDIS_URL
  throw new ConfigError([
    'REDIS_URL is not set: name a Redis, such as redis://127.0.0.1:6379, or run `npx -y pnpm@12 start`, which brings up its own',
  ])
}

function secretsOf(environment: Environment, lanes: Config['lanes']): readonly string[] {
  const { SLUICE_API_KEYS = [], OPENAI_API_KEY, REDIS_URL = '' } = environment
  const ofLanes = Object.values(lanes).flatMap(({ apiKey, baseUrl }) => [
    apiKey,
    baseUrl === undefined ? undefined : decodeURIComponent(new URL(baseUrl).password),
  ])
  const all = [...SLUICE_API_KEYS, OPENAI_API_KEY, ...ofLanes, parseRedisAddress(REDIS_URL)?.password]
  return all.filter((secret): secret is string => secret !== undefined && secret !== '')
}

/** Without keys everyone who reaches the port may spend money, so only this machine may reach it. */
function requireKeys(environment: Environment): readonly string[] {
  const { HOST, SLUICE_API_KEYS } = environment
  if (SLUICE_API_KEYS !== undefined) {
    const weak = weakKeys(environment)
    if (weak !== null && !environment.SLUICE_ALLOW_WEAK_KEYS)
      throw new ConfigError([
        `${weak} Make one with: openssl rand -hex 24. Or set SLUICE_ALLOW_WEAK_KEYS=true to take that risk.`,
      ])
    return SLUICE_API_KEYS
  }
  if (isLoopback(HOST)) return []
  throw new ConfigError([`HOST is ${HOST}, which others can reach: set SLUICE_API_KEYS, or leave HOST at 127.0.0.1`])
}

/** A key that can be guessed: it opens everything, and a few characters are tried within days. Never quoted. */
function weakKeys({ SLUICE_API_KEYS = [] }: Environment): string | null {
  const short = SLUICE_API_KEYS.flatMap((key, index) => (key.length < shortestKey ? [index + 1] : []))
  if (short.length === 0) return null
  return `SLUICE_API_KEYS: key ${short.join(', ')} of ${SLUICE_API_KEYS.length} is shorter than ${shortestKey} characters, so it can be guessed.`
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
