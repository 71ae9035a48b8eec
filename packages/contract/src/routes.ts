import { z } from 'zod'
import {
  appendQuery,
  batch,
  batchList,
  createBatch,
  deletedBatch,
  documentBatch,
  listBatchesQuery,
  openUpload,
  patchBatch,
  uploadQuery,
} from './batch.ts'
import { estimate } from './estimate.ts'
import { errorBody } from './error.ts'
import { createExtractor, extractorList, extractorView } from './extractor.ts'
import { itemInput } from './item.ts'
import { extractNow, extracted } from './extract-now.ts'
import { laneList, resumedLane } from './lane-view.ts'
import { result, resultsQuery, retried, retryBatch } from './result.ts'
import { createSummary, deletedSummary, documentSummary, getSummaryQuery, summary } from './summary.ts'

/** What an answer carries: a schema of its JSON, or of one line or event of a stream. */
export interface Answer {
  readonly description: string
  readonly schema?: z.ZodType
  /** Default: application/json. */
  readonly contentTypes?: readonly string[]
}

/** One route of the REST interface. The API mounts these and the OpenAPI document describes them: neither can drift. */
export interface Route {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  /** With `{parameters}`, as OpenAPI writes them. */
  readonly path: string
  readonly tag: 'Extractors' | 'Batches' | 'Results' | 'Extract' | 'Summaries' | 'Operations'
  readonly summary: string
  readonly query?: z.ZodObject
  readonly headers?: z.ZodObject
  readonly body?: z.ZodType
  readonly bodyOptional?: boolean
  /** The body may be a stream of lines instead (application/x-ndjson), with these query parameters. */
  readonly upload?: { readonly query: z.ZodObject; readonly line: z.ZodType }
  /** The body may be a form instead (multipart/form-data): the field `batch`, where there is one, then files, each a field `documents`. */
  readonly documents?: { readonly batch: z.ZodType | null }
  /** The body may be a form instead (multipart/form-data): the field `summary`, then one file, the field `document`. */
  readonly document?: { readonly summary: z.ZodType }
  readonly answers: Readonly<Record<number, Answer>>
  /** Needs no API key. */
  readonly open?: boolean
}

const ndjson = 'application/x-ndjson'
const eventStream = 'text/event-stream'
const ok = (schema: z.ZodType, description = 'OK'): Readonly<Record<number, Answer>> => ({
  200: { description, schema },
})
const status = z.object({ status: z.literal('ok') })

export const listExtractorsQuery = z.strictObject({
  after: z.string().optional().describe('The name of the last extractor already seen.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})

export const idempotencyHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('The same key with the same request has the same answer as before, for 7 days.'),
})

export const routes = {
  createExtractor: {
    method: 'post',
    path: '/v1/extractors',
    tag: 'Extractors',
    summary: 'Store a new version of an extractor',
    body: createExtractor,
    answers: {
      200: { description: 'The newest version has this content already.', schema: extractorView },
      201: { description: 'Stored as a new version.', schema: extractorView },
    },
  },
  listExtractors: {
    method: 'get',
    path: '/v1/extractors',
    tag: 'Extractors',
    summary: 'List extractors, each with its newest version',
    query: listExtractorsQuery,
    answers: ok(extractorList),
  },
  getExtractor: {
    method: 'get',
    path: '/v1/extractors/{reference}',
    tag: 'Extractors',
    summary: 'Get an extractor by `name` (newest version) or `name@version`',
    answers: ok(extractorView),
  },
  createBatch: {
    method: 'post',
    path: '/v1/batches',
    tag: 'Batches',
    summary: 'Submit items; answered when they are on disk',
    headers: idempotencyHeaders,
    body: createBatch,
    upload: { query: uploadQuery, line: itemInput },
    documents: { batch: documentBatch },
    answers: {
      200: { description: 'This Idempotency-Key was seen before: the batch it made.', schema: batch },
      202: { description: 'Accepted.', schema: batch },
    },
  },
  estimateBatch: {
    method: 'post',
    path: '/v1/batches/estimate',
    tag: 'Batches',
    summary: 'Tell items, tokens and cost of a batch without running or storing anything',
    body: createBatch,
    upload: { query: uploadQuery, line: itemInput },
    documents: { batch: documentBatch },
    answers: ok(estimate),
  },
  openUpload: {
    method: 'post',
    path: '/v1/batches/uploads',
    tag: 'Batches',
    summary: 'Begin a batch that several requests fill; removed when nothing comes for a day',
    headers: idempotencyHeaders,
    body: openUpload,
    answers: {
      200: {
        description: 'This Idempotency-Key was seen before: go on behind `counts.total`, unless it is sealed.',
        schema: batch,
      },
      201: { description: 'Empty, `uploading`.', schema: batch },
    },
  },
  appendItems: {
    method: 'post',
    path: '/v1/batches/{id}/items',
    tag: 'Batches',
    summary:
      'Add items, one a line or as documents, gzip allowed; what arrived before a break stays, `counts.total` tells where to go on',
    upload: { query: appendQuery, line: itemInput },
    documents: { batch: null },
    answers: ok(batch),
  },
  sealBatch: {
    method: 'post',
    path: '/v1/batches/{id}/seal',
    tag: 'Batches',
    summary: 'All items are there: the batch begins',
    answers: { 202: { description: 'Accepted.', schema: batch } },
  },
  listBatches: {
    method: 'get',
    path: '/v1/batches',
    tag: 'Batches',
    summary: 'List batches, newest first',
    query: listBatchesQuery,
    answers: ok(batchList),
  },
  getBatch: { method: 'get', path: '/v1/batches/{id}', tag: 'Batches', summary: 'Get a batch', answers: ok(batch) },
  patchBatch: {
    method: 'patch',
    path: '/v1/batches/{id}',
    tag: 'Batches',
    summary: 'Change concurrency or priority while it runs',
    body: patchBatch,
    answers: ok(batch),
  },
  pauseBatch: {
    method: 'post',
    path: '/v1/batches/{id}/pause',
    tag: 'Batches',
    summary: 'Start nothing new; calls in flight end and are recorded',
    answers: ok(batch),
  },
  resumeBatch: {
    method: 'post',
    path: '/v1/batches/{id}/resume',
    tag: 'Batches',
    summary: 'Go on',
    answers: ok(batch),
  },
  cancelBatch: {
    method: 'post',
    path: '/v1/batches/{id}/cancel',
    tag: 'Batches',
    summary: 'Abort calls in flight and end with what is done',
    answers: ok(batch),
  },
  retryBatch: {
    method: 'post',
    path: '/v1/batches/{id}/retry',
    tag: 'Batches',
    summary: 'Send failed items back to work, all or the chosen ones',
    body: retryBatch,
    bodyOptional: true,
    answers: ok(retried),
  },
  deleteBatch: {
    method: 'delete',
    path: '/v1/batches/{id}',
    tag: 'Batches',
    summary: 'Delete an ended batch with all it holds',
    answers: ok(deletedBatch),
  },
  streamResults: {
    method: 'get',
    path: '/v1/batches/{id}/results',
    tag: 'Results',
    summary: 'Stream results, one a line; as server-sent events with `id:` = cursor, resumed by Last-Event-ID',
    query: resultsQuery,
    headers: z.object({ 'Last-Event-ID': z.string().max(64).optional().describe('Takes the place of `after`.') }),
    answers: {
      200: { description: 'One result a line or event.', schema: result, contentTypes: [ndjson, eventStream] },
    },
  },
  streamEvents: {
    method: 'get',
    path: '/v1/batches/{id}/events',
    tag: 'Results',
    summary: 'Stream snapshots of the batch until it has ended',
    answers: { 200: { description: 'Events `progress`, then `end`.', schema: batch, contentTypes: [eventStream] } },
  },
  extract: {
    method: 'post',
    path: '/v1/extract',
    tag: 'Extract',
    summary: 'Extract from one text and wait for it',
    body: extractNow,
    answers: {
      200: { description: 'The result.', schema: extracted },
      202: { description: 'Not done within `wait_s`: the batch of one, which goes on.', schema: batch },
    },
  },
  createSummary: {
    method: 'post',
    path: '/v1/summaries',
    tag: 'Summaries',
    summary:
      'Summarise a text of any length: its parts, then their summaries, until one is left; answered when it is on disk',
    headers: idempotencyHeaders,
    body: createSummary,
    document: { summary: documentSummary },
    answers: {
      200: { description: 'This Idempotency-Key was seen before: the summary it made.', schema: summary },
      202: { description: 'Accepted.', schema: summary },
    },
  },
  getSummary: {
    method: 'get',
    path: '/v1/summaries/{id}',
    tag: 'Summaries',
    summary: 'Get a summary: how far it is, and the result with the summaries of the parts when it is done',
    query: getSummaryQuery,
    answers: ok(summary),
  },
  retrySummary: {
    method: 'post',
    path: '/v1/summaries/{id}/retry',
    tag: 'Summaries',
    summary: 'Send the failed calls of a failed summary back to work; what succeeded stays',
    answers: ok(summary),
  },
  cancelSummary: {
    method: 'post',
    path: '/v1/summaries/{id}/cancel',
    tag: 'Summaries',
    summary: 'Abort calls in flight and end',
    answers: ok(summary),
  },
  deleteSummary: {
    method: 'delete',
    path: '/v1/summaries/{id}',
    tag: 'Summaries',
    summary: 'Delete an ended summary with the batches of its levels',
    answers: ok(deletedSummary),
  },
  listLanes: {
    method: 'get',
    path: '/v1/lanes',
    tag: 'Operations',
    summary: 'What every lane does now, and what it has done and cost',
    answers: ok(laneList),
  },
  resumeLane: {
    method: 'post',
    path: '/v1/lanes/{name}/resume',
    tag: 'Operations',
    summary: 'Go on with all batches that were paused because nothing on the lane could succeed',
    answers: ok(resumedLane),
  },
  metrics: {
    method: 'get',
    path: '/metrics',
    tag: 'Operations',
    summary: 'The same for Prometheus',
    answers: { 200: { description: 'Metrics.', schema: z.string(), contentTypes: ['text/plain'] } },
  },
  healthz: {
    method: 'get',
    path: '/healthz',
    tag: 'Operations',
    summary: 'The process lives',
    answers: ok(status),
    open: true,
  },
  readyz: {
    method: 'get',
    path: '/readyz',
    tag: 'Operations',
    summary: 'The process can serve: Redis answers',
    answers: { 200: { description: 'Ready.', schema: status }, 503: { description: 'Not ready.', schema: errorBody } },
    open: true,
  },
  openapi: {
    method: 'get',
    path: '/openapi.json',
    tag: 'Operations',
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) } },
  },
} as const satisfies Record<string, Route>

export type RouteName = keyof typeof routes
export const mediaTypes = { ndjson, eventStream } as const
