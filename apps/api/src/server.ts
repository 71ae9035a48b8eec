import { SluiceError } from '@sluice/contract/error'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Engine } from '@sluice/engine/engine'
import express, { type Express } from 'express'
import type { Logger } from 'pino'
import type { Patience } from './gate/bounds.ts'
import { createGate } from './gate/gate.ts'
import { formatGateMetrics } from './gate/metrics.ts'
import { createBoard } from './pages/board.ts'
import type { TextSplitter } from '@sluice/text/text-splitter'
import { createDocs } from './pages/docs.ts'
import { createErrorHandler } from './http/errors.ts'
import type { CheckSchema } from './intake/extractor-choice.ts'
import { createLogin } from './pages/login.ts'
import { createWeb } from './pages/web.ts'
import { createOpenAiErrorHandler } from './openai/errors.ts'
import { createOpenAiRouter } from './openai/router.ts'
import { mount } from './http/mount.ts'
import { createReadBody } from './http/read-body.ts'
import { createRequestLog } from './http/request-log.ts'
import { createSecurityHeaders } from './http/security-headers.ts'
import { batchRoutes } from './routes/batches.ts'
import { extractRoutes } from './routes/extract.ts'
import { extractorRoutes } from './routes/extractors.ts'
import { insightRoutes } from './routes/insight.ts'
import { liveRoutes } from './routes/live.ts'
import { operationRoutes } from './routes/operations.ts'
import { resultRoutes } from './routes/results.ts'
import { summaryRoutes } from './routes/summaries.ts'
import { uploadRoutes } from './routes/uploads.ts'
import { webhookRoutes } from './routes/webhooks.ts'

export interface AppOptions {
  readonly engine: Engine
  readonly checkSchema: CheckSchema
  readonly documentReader: DocumentReader
  readonly splitter: TextSplitter
  /** Empty: no key is needed, and only this machine may ask. */
  readonly apiKeys: readonly string[]
  /** Which proxies may say where a request came from, and whether by TLS: as Express takes it; false: none. */
  readonly trustProxy: number | readonly string[] | false
  readonly bodyLimitBytes: number
  /** How long a body may stop, and a reader take nothing. */
  readonly patience: Patience
  readonly queuesReadOnly: boolean
  readonly version: string
  /** Removes the configured secrets from a text. */
  readonly redact: (text: string) => string
  readonly log: Logger
  /** Aborts when the server stops: open streams end, and it is no longer ready. */
  readonly stopping: AbortSignal
}

export function createApp({
  engine,
  checkSchema,
  documentReader,
  splitter,
  apiKeys,
  trustProxy,
  bodyLimitBytes,
  patience,
  queuesReadOnly,
  version,
  redact,
  log,
  stopping,
}: AppOptions): Express {
  const secured = apiKeys.length > 0
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  app.set('trust proxy', trustProxy)
  app.use(createRequestLog(log))
  app.use(createSecurityHeaders())
  const gate = createGate({ apiKeys, bodyLimitBytes, patience, log })
  app.use(gate.admit)

  mount(
    app,
    {
      ...extractorRoutes(engine, checkSchema),
      ...batchRoutes(engine, checkSchema, documentReader),
      ...uploadRoutes(engine, checkSchema, documentReader),
      ...resultRoutes(engine, stopping),
      ...liveRoutes(engine, stopping),
      ...insightRoutes(engine),
      ...extractRoutes(engine, checkSchema, stopping),
      ...summaryRoutes(engine, splitter, documentReader, stopping),
      ...webhookRoutes(engine),
      ...operationRoutes(engine, { version, secured, stopping, processMetrics: () => formatGateMetrics(gate) }),
    },
    createReadBody(bodyLimitBytes),
  )
  app.use('/openai/v1', createOpenAiRouter(engine, { stopping }))
  app.use(createWeb({ secured }))
  app.use(createLogin(gate))
  app.use('/docs', createDocs())
  app.use('/queues', createBoard(engine.queues, { path: '/queues', readOnly: queuesReadOnly }))

  app.use((req) => {
    throw new SluiceError(
      'not_found_error',
      'route_not_found',
      `There is no ${req.method} ${req.path}: see /docs for the routes.`,
    )
  })
  app.use('/openai/v1', createOpenAiErrorHandler({ redact }))
  app.use(createErrorHandler({ log, redact }))
  return app
}
