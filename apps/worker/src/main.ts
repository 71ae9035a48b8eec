import { refineFor } from '@sluice/config/code-extractor'
import { createTextSplitter } from '@sluice/text/text-splitter'
import { createWorker } from '@sluice/engine/create-worker'
import { checkConnections } from '@sluice/engine/redis/connection-limits'
import { boot, refuse } from '@sluice/process/boot'
import { stopOnSignals } from '@sluice/process/stop-on-signals'
import { createLongTexts } from '@sluice/provider/long-texts'
import { createProvider } from '@sluice/provider/provider'
import { redacted } from '@sluice/provider/redacted'
import { createIsolatedExtract } from './isolated-extract.ts'

/** The composition root of a worker process. */
const { config, errors, log, leave, redact } = await boot('worker')
const {
  lanes,
  extractors,
  worker: { concurrency, graceMs, retentionMs },
} = config

const tooManyConnections = await checkConnections(config.redisUrl, { lanes: Object.keys(lanes).length })
if (tooManyConnections !== null) refuse(tooManyConnections)

const providers = new Map(
  Object.entries(lanes).map(([name, lane]) => [
    name,
    createProvider(lane, { refine: (extractor) => refineFor(extractors, extractor) }),
  ]),
)
const splitter = createTextSplitter()
const isolated = createIsolatedExtract()
const worker = await createWorker({
  redisUrl: config.redisUrl,
  prefix: config.prefix,
  lanes,
  concurrency,
  retentionMs,
  webhooks: config.webhooks,
  provider: (lane) => {
    const { extract, estimateTokens } = providers.get(lane)!
    const longTexts = createLongTexts(lanes[lane]!, {
      estimateTokens,
      splitter,
      hasOwnCheck: (extractor) => refineFor(extractors, extractor) !== undefined,
    })
    return { extract: redacted(isolated.wrap(lane, lanes[lane]!, extract), redact), estimateTokens, longTexts }
  },
  onError: (error) => errors.report(error),
})
stopOnSignals({ log, leave }, graceMs, async (allowedMs) => {
  await worker.close(allowedMs)
  errors[Symbol.dispose]()
  await splitter[Symbol.asyncDispose]()
  await isolated[Symbol.asyncDispose]()
  await Promise.all([...providers.values()].map((provider) => provider[Symbol.asyncDispose]()))
})
// Last, because a program that reads this line may send a signal at once.
log.info({ lanes: Object.keys(lanes), concurrency }, 'worker ready')
