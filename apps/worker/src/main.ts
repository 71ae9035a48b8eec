import { ConfigError } from '@sluice/config/config-error'
import { refineFor } from '@sluice/config/code-extractor'
import { readConfig } from '@sluice/config/config'
import { createWorker } from '@sluice/engine/create-worker'
import { preflight } from '@sluice/engine/preflight'
import { createProvider } from '@sluice/provider/provider'
import { pino } from 'pino'
import { stopOnSignals } from './stop-on-signals.ts'

/** The composition root of a worker process. */
const config = await readConfig().catch((error: unknown) => {
  if (!(error instanceof ConfigError)) throw error
  console.error(error.message)
  process.exit(1)
})
const log = pino({ level: config.logLevel, base: { app: 'worker', pid: process.pid } })

for (const { severity, message } of await preflight(config.redisUrl)) {
  if (severity === 'warning' || (severity === 'weak' && config.allowWeakDurability)) log.warn(message)
  else {
    console.error(message)
    process.exit(1)
  }
}

const providers = new Map(
  Object.entries(config.lanes).map(([name, lane]) => [
    name,
    createProvider(lane, { refine: (extractor) => refineFor(config.extractors, extractor) }),
  ]),
)
const worker = await createWorker({
  redisUrl: config.redisUrl,
  prefix: config.prefix,
  lanes: config.lanes,
  concurrency: config.worker.concurrency,
  provider: (lane) => providers.get(lane)!,
  onError: (error) => log.error({ error: error.message }, 'worker'),
})
log.info({ lanes: Object.keys(config.lanes), concurrency: config.worker.concurrency }, 'worker ready')

stopOnSignals(log, async ({ now }) => {
  await worker.close(now ? 0 : config.worker.graceMs)
  await Promise.all([...providers.values()].map((provider) => provider[Symbol.asyncDispose]()))
})
