import { setFlagsFromString } from 'node:v8'
import { type Config, readConfig } from '@sluice/config/config'
import { ConfigError } from '@sluice/config/config-error'
import { preflight, rejection } from '@sluice/engine/redis/preflight'
import { createRedactor, type Redactor } from '@sluice/contract/redact'
import { openLog, type Output } from './open-log.ts'
import { createRepeatedErrors, type RepeatedErrors } from './repeated-errors.ts'

/**
 * V8 collects the old generation when it has grown by so many percent since the last time. By default it lets a small heap grow
 * fourfold first: then a worker on a large batch holds some 100 MB of garbage (decision 0063).
 */
const heapGrowthPercent = 50

/**
 * The first step of every process: reads the configuration and checks Redis. A problem is reported in one line and ends the process
 * with exit code 1, before anything is opened.
 */
export async function boot(
  app: string,
): Promise<{ config: Config; redact: Redactor; errors: RepeatedErrors } & Output> {
  setFlagsFromString(`--heap-growing-percent=${heapGrowthPercent}`)
  const config = await readConfig().catch((error: unknown) => {
    if (!(error instanceof ConfigError)) throw error
    return refuse(error.message)
  })
  const redact = createRedactor(config.secrets, publicNames(config))
  const output = openLog(app, { level: config.logLevel, redact: redact.text })
  for (const finding of await preflight(config.redisUrl, { prefix: config.prefix })) {
    const rejected = rejection(finding, config)
    if (rejected !== null) refuse(rejected)
    output.log.warn(finding.message)
  }
  const errors = createRepeatedErrors({
    write: ({ message }, repeats) =>
      output.log.error({ error: message, ...(repeats === 0 ? {} : { repeats, in_s: 10 }) }, app),
  })
  return { config, redact, errors, ...output }
}

/** One line on standard error and exit code 1. */
export function refuse(message: string): never {
  console.error(`sluice: ${message}`)
  process.exit(1)
}

/** Words that stay readable even if a placeholder key equals one of them. */
function publicNames({ lanes }: Config): string[] {
  return [...Object.keys(lanes), ...Object.values(lanes).map(({ model }) => model)]
}
