import { readConfig, type Config } from '@sluice/config/config'
import { ConfigError } from '@sluice/config/config-error'
import { StartError } from './start-error.ts'

export interface Settings {
  readonly config: Config
  /** Undefined: `start` runs a Redis. */
  readonly redisUrl: string | undefined
}

// The addresses of what `start` runs are known later; these placeholders parse, so that all other settings can be checked.
const placeholders = { REDIS_URL: 'redis://127.0.0.1:1', SLUICE_SIMULATOR_URL: 'http://127.0.0.1:1/v1' }

/** Reads the whole configuration before anything is started. Throws a StartError with a line for each problem. */
export async function readSettings(env: NodeJS.ProcessEnv): Promise<Settings> {
  const redisUrl = env['REDIS_URL'] === '' ? undefined : env['REDIS_URL']
  try {
    return {
      config: await readConfig({ ...env, ...placeholders, REDIS_URL: redisUrl ?? placeholders.REDIS_URL }),
      redisUrl,
    }
  } catch (error) {
    throw error instanceof ConfigError ? new StartError(error.message) : error
  }
}
