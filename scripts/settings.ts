import { readConfig, type Config } from '@sluice/config/config'
import { ConfigError, NoProviderError } from '@sluice/config/config-error'
import { StartError } from './start-error.ts'

export interface Settings {
  readonly config: Config
  /** Undefined: bring up our own. */
  readonly redisUrl: string | undefined
  /** No provider is configured: answers come from the simulator. */
  readonly usesSimulator: boolean
}

export const simulatorModel = 'rules-1'

// What start brings up gets its address later; until then something that parses stands there, so that all else can be checked.
const redisToCome = 'redis://127.0.0.1:1'
const simulatorToCome = { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', SLUICE_MODEL: simulatorModel }

/** Reads the whole configuration before anything is started. Throws a StartError with a line for each thing at fault. */
export async function readSettings(env: NodeJS.ProcessEnv): Promise<Settings> {
  const redisUrl = env['REDIS_URL'] === '' ? undefined : env['REDIS_URL']
  const withRedis = { ...env, REDIS_URL: redisUrl ?? redisToCome }
  try {
    return { config: await readConfig(withRedis), redisUrl, usesSimulator: false }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    if (!(error instanceof NoProviderError)) throw new StartError(error.message)
  }
  try {
    return { config: await readConfig({ ...withRedis, ...simulatorToCome }), redisUrl, usesSimulator: true }
  } catch (error) {
    throw error instanceof ConfigError ? new StartError(error.message) : error
  }
}
