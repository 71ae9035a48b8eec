import { readConfig, type Config } from '@sluice/config/config'
import { ConfigError } from '@sluice/config/config-error'
import { StartError } from './start-error.ts'

export interface Settings {
  readonly config: Config
  /** Undefined: bring up our own. */
  readonly redisUrl: string | undefined
}

// What start brings up gets its address later; until then something that parses stands there, so that all else can be checked.
const toCome = { REDIS_URL: 'redis://127.0.0.1:1', SLUICE_SIMULATOR_URL: 'http://127.0.0.1:1/v1' }

/** Reads the whole configuration before anything is started. Throws a StartError with a line for each thing at fault. */
export async function readSettings(env: NodeJS.ProcessEnv): Promise<Settings> {
  const redisUrl = env['REDIS_URL'] === '' ? undefined : env['REDIS_URL']
  try {
    return { config: await readConfig({ ...env, ...toCome, REDIS_URL: redisUrl ?? toCome.REDIS_URL }), redisUrl }
  } catch (error) {
    throw error instanceof ConfigError ? new StartError(error.message) : error
  }
}
