import { z } from 'zod'
import {
  appendQuery,
  batch,
  batchList,
  createBatch,
  createdBatch,
  deletedBatch,
  documentBatch,
  listBatchesQuery,
  liveOptionNames,
  openUpload,
  patchBatch,
  uploadQuery,
} from './batch.ts'
import { batchItemDetail, batchItemList, failureGroupList, listItemsQuery, timeline } from './batch-item.ts'
import { estimate } from './estimate.ts'
import { errorBody } from './error.ts'
import {
  createdExtractor,
  createExtractor,
  extractorList,
  extractorView,
  listVersionsQuery,
  versionList,
} from './extractor.ts'
import { itemInput } from './item.ts'
import { extractNow, extracted } from './extract-now.ts'
import { liveEvent, liveQuery } from './live.ts'
import { laneList, resumedLane } from './lane-view.ts'
import { type Answer, mediaTypes, type Route } from './route.ts'
import { result, resultsQuery, retried, retryBatch } from './result.ts'
import {
  createSummary,
  deletedSummary,
  documentSummary,
  getSummaryQuery,
  listSummariesQuery,
  summary,
  summaryList,
} from './summary.ts'
import {
  listDeliveriesQuery,
  listEndpointsQuery,
  webhookDelivery,
  webhookDeliveryList,
  webhookEndpoint,
  webhookEndpointList,
} from './webhook.ts'

const { ndjson, eventStream, csv } = mediaTypes
const ok = (schema: z.ZodType, description = 'OK'): Readonly<Record<number, Answer>> => ({
  200: { description, schema },
})
const status = z.object({ status: z.literal('ok') })

const listExtractorsQuery = z.strictObject({
  after: z.string().optional().describe('The name of the last extractor that you have.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})

export const idempotencyHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('The same key with the same request returns the same batch or summary, for 7 days.'),
})

export const routes = {
  createExtractor: {
    method: 'post',
    path: '/v1/extractors',
    tag: 'Extractors',
    summary: 'Store a new version of an extractor',
    body: createExtractor,
    answers: {
      200: { description: 'The newest version already has this content.', schema: createdExtractor },
      201: { description: 'Stored as a new version.', schema: createdExtractor },
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
  listVersions: {
    method: 'get',
    path: '/v1/extractors/{name}/versions',
    tag: 'Extractors',
    summary: 'List the versions of an extractor, the newest first',
    query: listVersionsQuery,
    answers: ok(versionList),
  },
  createBatch: {
    method: 'post',
    path: '/v1/batches',
    tag: 'Batches',
    summary: 'Submit items; the answer comes when they are on disk',
    headers: idempotencyHeaders,
    body: createBatch,
    lines: { query: uploadQuery, line: itemInput },
    form: { field: { name: 'batch', schema: documentBatch }, files: 'documents' },
    answers: {
      200: { description: 'This Idempotency-Key was used before: the batch that it created.', schema: createdBatch },
      202: { description: 'Accepted.', schema: createdBatch },
    },
  },
  estimateBatch: {
    method: 'post',
    path: '/v1/batches/estimate',
    tag: 'Batches',
    summary: 'Estimate items, tokens and cost of a batch without running or storing anything',
    body: createBatch,
    lines: { query: uploadQuery, line: itemInput },
    form: { field: { name: 'batch', schema: documentBatch }, files: 'documents' },
    answers: ok(estimate),
  },
  openUpload: {
    method: 'post',
    path: '/v1/batches/uploads',
    tag: 'Batches',
    summary: 'Open a batch that several requests fill; removed after a day without items',
    headers: idempotencyHeaders,
    body: openUpload,
    answers: {
      200: {
        description: 'This Idempotency-Key was used before: continue from `counts.total`, unless the batch is sealed.',
        schema: createdBatch,
      },
      201: { description: 'Empty, `uploading`.', schema: createdBatch },
    },
  },
  appendItems: {
    method: 'post',
    path: '/v1/batches/{id}/items',
    tag: 'Batches',
    summary:
      'Add items, one per line or as documents, gzip allowed; what arrived before a break is kept, and `counts.total` is where to continue',
    lines: { query: appendQuery, line: itemInput },
    form: { field: null, files: 'documents' },
    answers: ok(batch),
  },
  sealBatch: {
    method: 'post',
    path: '/v1/batches/{id}/seal',
    tag: 'Batches',
    summary: 'Start the batch: all its items were sent',
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
    summary: `Change ${liveOptionNames} while the batch runs`,
    body: patchBatch,
    answers: ok(batch),
  },
  pauseBatch: {
    method: 'post',
    path: '/v1/batches/{id}/pause',
    tag: 'Batches',
    summary: 'Pause: nothing new starts, and calls in flight end and are recorded',
    answers: ok(batch),
  },
  resumeBatch: {
    method: 'post',
    path: '/v1/batches/{id}/resume',
    tag: 'Batches',
    summary: 'Resume',
    answers: ok(batch),
  },
  cancelBatch: {
    method: 'post',
    path: '/v1/batches/{id}/cancel',
    tag: 'Batches',
    summary: 'Cancel: calls in flight are aborted, and finished items are kept',
    answers: ok(batch),
  },
  retryBatch: {
    method: 'post',
    path: '/v1/batches/{id}/retry',
    tag: 'Batches',
    summary: 'Retry failed items, all or the chosen ones',
    body: retryBatch,
    bodyOptional: true,
    answers: ok(retried),
  },
  listFailures: {
    method: 'get',
    path: '/v1/batches/{id}/errors',
    tag: 'Results',
    summary: 'List the failures of a batch in groups: by error type, field of the schema, and message',
    answers: ok(failureGroupList),
  },
  getBatchExtractor: {
    method: 'get',
    path: '/v1/batches/{id}/extractor',
    tag: 'Results',
    summary: 'Get the extractor that a batch was made with, also an inline one',
    answers: ok(extractorView),
  },
  getTimeline: {
    method: 'get',
    path: '/v1/batches/{id}/timeline',
    tag: 'Results',
    summary: 'Get what happened to a batch, and how far it was at which time',
    answers: ok(timeline),
  },
  listItems: {
    method: 'get',
    path: '/v1/batches/{id}/items',
    tag: 'Results',
    summary: 'List the items of a batch with their state, from any place, filtered or searched',
    query: listItemsQuery,
    answers: ok(batchItemList),
  },
  getItem: {
    method: 'get',
    path: '/v1/batches/{id}/items/{index}',
    tag: 'Results',
    summary: 'Get an item: its text, its result, and each call that was made for it',
    answers: ok(batchItemDetail),
  },
  deleteBatch: {
    method: 'delete',
    path: '/v1/batches/{id}',
    tag: 'Batches',
    summary: 'Delete an ended batch with its items and results',
    answers: ok(deletedBatch),
  },
  streamResults: {
    method: 'get',
    path: '/v1/batches/{id}/results',
    tag: 'Results',
    summary:
      'Stream results, one per line, as server-sent events with the cursor as `id`, resumed by Last-Event-ID, or as CSV',
    query: resultsQuery,
    headers: z.object({ 'Last-Event-ID': z.string().max(64).optional().describe('Replaces `after`.') }),
    answers: {
      200: {
        description: 'One result per line, event or row.',
        schema: result,
        contentTypes: [ndjson, eventStream, csv],
      },
    },
  },
  streamEvents: {
    method: 'get',
    path: '/v1/batches/{id}/events',
    tag: 'Results',
    summary: 'Stream snapshots of the batch until it has ended',
    answers: {
      200: {
        description: 'Events `progress`, then `end`. Before it `gone`, where the batch was deleted meanwhile.',
        schema: batch,
        contentTypes: [eventStream],
      },
    },
  },
  streamLive: {
    method: 'get',
    path: '/v1/events',
    tag: 'Results',
    summary:
      'Stream what changes in all batches, lanes and summaries, at most once a second for each; after a break, list the batches again',
    query: liveQuery,
    answers: {
      200: {
        description:
          'Events `batch`, `lane` and `summary` with the object as it is now, and `gone` with the id of what was deleted.',
        schema: liveEvent,
        contentTypes: [eventStream],
      },
    },
  },
  extract: {
    method: 'post',
    path: '/v1/extract',
    tag: 'Extract',
    summary: 'Extract from one text and wait for the result',
    body: extractNow,
    answers: {
      200: { description: 'The result.', schema: extracted },
      202: { description: 'Not done within `wait_s`: the batch of one item, which continues.', schema: batch },
    },
  },
  createSummary: {
    method: 'post',
    path: '/v1/summaries',
    tag: 'Summaries',
    summary:
      'Summarise a text of any length: its parts, then their summaries, until one is left; the answer comes when the text is on disk',
    headers: idempotencyHeaders,
    body: createSummary,
    form: { field: { name: 'summary', schema: documentSummary }, files: 'document' },
    answers: {
      200: { description: 'This Idempotency-Key was used before: the summary that it created.', schema: summary },
      202: { description: 'Accepted.', schema: summary },
    },
  },
  listSummaries: {
    method: 'get',
    path: '/v1/summaries',
    tag: 'Summaries',
    summary: 'List summaries, newest first, without those of their parts',
    query: listSummariesQuery,
    answers: ok(summaryList),
  },
  getSummary: {
    method: 'get',
    path: '/v1/summaries/{id}',
    tag: 'Summaries',
    summary: 'Get a summary: its progress and, when it is done, the result with the summaries of the parts',
    query: getSummaryQuery,
    answers: ok(summary),
  },
  retrySummary: {
    method: 'post',
    path: '/v1/summaries/{id}/retry',
    tag: 'Summaries',
    summary: 'Retry the failed calls of a failed summary; successful calls are kept',
    answers: ok(summary),
  },
  cancelSummary: {
    method: 'post',
    path: '/v1/summaries/{id}/cancel',
    tag: 'Summaries',
    summary: 'Cancel: calls in flight are aborted',
    answers: ok(summary),
  },
  deleteSummary: {
    method: 'delete',
    path: '/v1/summaries/{id}',
    tag: 'Summaries',
    summary: 'Delete an ended summary with the batches of its levels',
    answers: ok(deletedSummary),
  },
  listWebhookDeliveries: {
    method: 'get',
    path: '/v1/webhooks/deliveries',
    tag: 'Webhooks',
    summary: 'List deliveries of webhooks, newest first; kept for 30 days',
    query: listDeliveriesQuery,
    answers: ok(webhookDeliveryList),
  },
  getWebhookDelivery: {
    method: 'get',
    path: '/v1/webhooks/deliveries/{id}',
    tag: 'Webhooks',
    summary: 'Get a delivery of a webhook: its attempts and what the last one returned',
    answers: ok(webhookDelivery),
  },
  retryWebhookDelivery: {
    method: 'post',
    path: '/v1/webhooks/deliveries/{id}/retry',
    tag: 'Webhooks',
    summary: 'Deliver again, now, with a new schedule of attempts',
    answers: ok(webhookDelivery),
  },
  listWebhookEndpoints: {
    method: 'get',
    path: '/v1/webhooks/endpoints',
    tag: 'Webhooks',
    summary: 'List the endpoints of the configuration, and those of batches and summaries of the last 30 days',
    query: listEndpointsQuery,
    answers: ok(webhookEndpointList),
  },
  enableWebhookEndpoint: {
    method: 'post',
    path: '/v1/webhooks/endpoints/{id}/enable',
    tag: 'Webhooks',
    summary: 'Enable a disabled endpoint; its held deliveries are sent',
    answers: ok(webhookEndpoint),
  },
  listLanes: {
    method: 'get',
    path: '/v1/lanes',
    tag: 'Operations',
    summary: 'Current state of every lane, and its totals of calls, tokens and cost',
    answers: ok(laneList),
  },
  resumeLane: {
    method: 'post',
    path: '/v1/lanes/{name}/resume',
    tag: 'Operations',
    summary: 'Resume all batches that were paused because no call on the lane could succeed',
    answers: ok(resumedLane),
  },
  metrics: {
    method: 'get',
    path: '/metrics',
    tag: 'Operations',
    summary: 'The lanes as metrics for Prometheus',
    answers: { 200: { description: 'Metrics.', schema: z.string(), contentTypes: ['text/plain'] } },
  },
  healthz: {
    method: 'get',
    path: '/healthz',
    tag: 'Operations',
    summary: 'The process is alive',
    answers: ok(status),
    open: true,
  },
  readyz: {
    method: 'get',
    path: '/readyz',
    tag: 'Operations',
    summary: 'The process can serve requests: Redis answers',
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
