import { type Config, readConfigForStart } from '@sluice/config/config'
import { ConfigError } from '@sluice/config/config-error'
import { StartError } from './start-error.ts'

export interface Settings {
  readonly config: Config
  /** Undefined: `start` runs a Redis. */
  readonly redisUrl: string | undefined
}

/** Reads the whole configuration before anything is started. Throws a StartError with a line for each problem. */
export async function readSettings(env: NodeJS.ProcessEnv): Promise<Settings> {
  try {
    return await readConfigForStart(env)
  } catch (error) {
    throw error instanceof ConfigError ? new StartError(error.message) : error
  }
}
