import { availableParallelism } from 'node:os'
import { maxTextLength } from '@sluice/contract/item'
import { createDocumentReader } from '@sluice/documents/document-reader'
import { createEngine } from '@sluice/engine/create-engine'
import { boot, refuse } from '@sluice/process/boot'
import { stopOnSignals } from '@sluice/process/stop-on-signals'
import { checkSchema } from '@sluice/schema/check'
import packageJson from '../package.json' with { type: 'json' }
import { createTextSplitter } from '@sluice/text/text-splitter'
import { listen, ListenError } from './http/listen.ts'
import { createApp } from './server.ts'

/** The composition root of an API process. */
const { config, errors, log, leave, redact } = await boot('api')
const { lanes, extractors, api } = config
if (api.weakKeys !== null) log.warn(api.weakKeys)

for (const { definition } of extractors) {
  const checked = checkSchema(definition.schema)
  if (!checked.ok) refuse(`extractor '${definition.name}': at '#${checked.pointer}': ${checked.message}`)
}

const engine = await createEngine({
  redisUrl: config.redisUrl,
  prefix: config.prefix,
  lanes,
  filesBytes: api.filesBytes,
  webhooks: config.webhooks,
  onError: (error) => errors.report(error),
})
for (const { definition } of extractors) await engine.extractors.put(definition)

// Each reader, a process, may hold a large document; half of the machine is left to requests.
const documentReader = createDocumentReader(
  { ...api.documents, characters: maxTextLength, memoryMb: 512 },
  { processes: Math.max(1, Math.floor(availableParallelism() / 2)) },
)
const splitter = createTextSplitter()
const stopping = new AbortController()
const app = createApp({
  engine,
  checkSchema,
  documentReader,
  splitter,
  apiKeys: api.apiKeys,
  trustProxy: api.trustProxy,
  bodyLimitBytes: api.bodyLimitBytes,
  patience: api.patience,
  queuesReadOnly: api.queuesReadOnly,
  version: packageJson.version,
  redact: redact.text,
  log,
  stopping: stopping.signal,
})
const server = await listen(app, api).catch((error: unknown) => {
  if (error instanceof ListenError) return refuse(error.message)
  throw error
})
stopOnSignals({ log, leave }, config.worker.graceMs, async (graceMs) => {
  stopping.abort()
  await server.stop(graceMs)
  await documentReader[Symbol.asyncDispose]()
  await splitter[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
  errors[Symbol.dispose]()
})
// Last, because a program that reads this line may send a signal at once.
log.info({ url: server.url, durability: engine.durability }, `api ready on ${server.url}`)
