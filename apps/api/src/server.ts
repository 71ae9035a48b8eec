import { SluiceError } from '@sluice/contract/error'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Engine } from '@sluice/engine/engine'
import express, { type Express } from 'express'
import type { Logger } from 'pino'
import { onlyThisMachine, requireKey } from './http/auth.ts'
import { createBoard } from './pages/board.ts'
import type { TextSplitter } from '@sluice/text/text-splitter'
import { createDocs } from './pages/docs.ts'
import { createErrorHandler } from './http/errors.ts'
import type { CheckSchema } from './intake/extractor-choice.ts'
import { homePage } from './pages/home.ts'
import { mount } from './http/mount.ts'
import { createReadBody } from './http/read-body.ts'
import { createRequestLog } from './http/request-log.ts'
import { batchRoutes } from './routes/batches.ts'
import { extractRoutes } from './routes/extract.ts'
import { extractorRoutes } from './routes/extractors.ts'
import { operationRoutes } from './routes/operations.ts'
import { resultRoutes } from './routes/results.ts'
import { summaryRoutes } from './routes/summaries.ts'
import { uploadRoutes } from './routes/uploads.ts'

export interface AppOptions {
  readonly engine: Engine
  readonly checkSchema: CheckSchema
  readonly documentReader: DocumentReader
  readonly splitter: TextSplitter
  /** Empty: none is asked for, and only this machine may ask. */
  readonly apiKeys: readonly string[]
  readonly bodyLimitBytes: number
  readonly queuesReadOnly: boolean
  readonly version: string
  readonly log: Logger
  /** Aborts when the server stops: open streams end, readiness goes. */
  readonly stopping: AbortSignal
}

/** A page from here asks no other host for anything: Bull Board would fetch its fonts from one. */
const headers = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

export function createApp({
  engine,
  checkSchema,
  documentReader,
  splitter,
  apiKeys,
  bodyLimitBytes,
  queuesReadOnly,
  version,
  log,
  stopping,
}: AppOptions): Express {
  const secured = apiKeys.length > 0
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', 'simple')
  app.use(createRequestLog(log))
  app.use((_req, res, next) => {
    res.set(headers)
    next()
  })
  app.use(secured ? requireKey(apiKeys) : onlyThisMachine())

  mount(
    app,
    {
      ...extractorRoutes(engine, checkSchema),
      ...batchRoutes(engine, checkSchema, documentReader),
      ...uploadRoutes(engine, checkSchema, documentReader),
      ...resultRoutes(engine, stopping),
      ...extractRoutes(engine, checkSchema, stopping),
      ...summaryRoutes(engine, splitter, documentReader, stopping),
      ...operationRoutes(engine, { version, secured, stopping }),
    },
    createReadBody(bodyLimitBytes),
  )
  app.get('/', (_req, res) => {
    res.type('html').send(homePage)
  })
  app.use('/docs', createDocs())
  app.use('/queues', createBoard(engine.queues, { path: '/queues', readOnly: queuesReadOnly }))

  app.use((req) => {
    throw new SluiceError(
      'not_found_error',
      'route_not_found',
      `There is no ${req.method} ${req.path}: see /docs for what there is.`,
    )
  })
  app.use(createErrorHandler(log))
  return app
}
