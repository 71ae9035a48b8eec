import { z } from 'zod'
import { extractorChoice, extractorReference, laneName, schemaWarnings } from './extractor.ts'
import { itemInput, maxTextLength, metadata } from './item.ts'
import { optionTexts } from './option-text.ts'
import { requestEndpoint } from './request-task.ts'
import { webhookTarget } from './webhook.ts'

export const batchStatus = z.enum(['uploading', 'in_progress', 'paused', 'cancelling', 'completed', 'cancelled'])
export type BatchStatus = z.infer<typeof batchStatus>

export function isEnded(status: BatchStatus): boolean {
  return status === 'completed' || status === 'cancelled'
}

const seconds = z.number().positive().max(2_592_000)
const deadlines = z
  .strictObject({
    call_s: seconds.optional().describe('One call. A late call counts as timed out and is tried again.'),
    item_s: seconds.optional().describe('An item, from when a worker first takes it.'),
    wait_s: seconds.optional().describe("An item's first call, from when the batch is accepted."),
  })
  .describe('Items that are too late fail as `timed_out`.')
export type Deadlines = z.infer<typeof deadlines>

/**
 * Every option of a batch, declared once. The JSON, query, form and command-line interfaces, the client's types and the OpenAPI document
 * are derived from it. Stored by ledger/batch-meta.ts.
 */
export const batchOptions = z
  .strictObject({
    concurrency: z
      .int()
      .min(1)
      .max(100_000)
      .describe('Calls of this batch in flight at once, across all workers. None: as many as the lane takes.')
      .optional(),
    priority: z
      .int()
      .min(1)
      .max(100)
      .describe("The batch's weight when it shares a lane; twice the weight, twice the share.")
      .default(10),
    max_cost_usd: z
      .number()
      .positive()
      .max(1_000_000)
      .describe(
        'The batch pauses before a call that might raise its cost above this; calls in flight count. Exact if the parameters have `max_tokens`, otherwise estimated from the length of earlier answers.',
      )
      .optional(),
    deadlines: deadlines.optional(),
    deduplicate: z
      .boolean()
      .describe(
        'Items with the same text are answered by one call. Costs about 85 bytes of Redis for each different text.',
      )
      .optional(),
    cache_s: z
      .number()
      .positive()
      .max(31_536_000)
      .describe(
        'Answers are kept for this many seconds. They are reused for the same text under the same schema, instructions, model and parameters, in any batch that accepts answers of that age.',
      )
      .optional(),
    webhook: webhookTarget
      .describe('Gets a signed POST when the batch has ended, in addition to the endpoints of the configuration.')
      .optional(),
    name: z
      .string()
      .min(1)
      .max(200, 'A name has at most 200 characters.')
      .describe('What people call the batch, such as the name of its input file; lists show it and find it.')
      .optional(),
    metadata: metadata.default({}),
  })
  .meta({ id: 'BatchOptions' })
export type BatchOptions = z.infer<typeof batchOptions>

/** The options that can be changed while a batch runs. */
export const liveOptions = ['concurrency', 'priority', 'max_cost_usd'] as const satisfies (keyof BatchOptions)[]
/** As messages and documents list them. */
export const liveOptionNames = new Intl.ListFormat('en', { type: 'disjunction' }).format(
  liveOptions.map((name) => `\`${name}\``),
)

const createExtractionBatch = z
  .strictObject({
    task: z.literal('extraction').optional(),
    extractor: extractorChoice,
    items: z
      .array(itemInput)
      .min(1, 'A batch has at least one item.')
      .max(100_000, 'A JSON request carries at most 100,000 items.'),
    ...batchOptions.shape,
  })
  .meta({ id: 'CreateExtractionBatch' })

/** The text of a request's body is that of the largest item. */
const requestBody = z
  .record(z.string(), z.unknown())
  .refine((body) => body['stream'] !== true, 'A batch cannot stream: leave `stream` out.')
  .refine(
    (body) => JSON.stringify(body).length <= maxTextLength,
    `A body has at most ${maxTextLength.toLocaleString('en')} characters as JSON.`,
  )
  .describe("The body of a request of OpenAI's API; sent to the lane's provider as it is.")

const createRequestBatch = z
  .strictObject({
    task: z.literal('request'),
    endpoint: requestEndpoint.describe('The endpoint that each item is sent to.'),
    lane: laneName.default('default'),
    items: z
      .array(
        z.strictObject({ id: z.string().min(1).max(256).optional(), body: requestBody, metadata: metadata.optional() }),
      )
      .min(1, 'A batch has at least one item.')
      .max(100_000, 'A JSON request carries at most 100,000 items.'),
    ...batchOptions.shape,
  })
  .meta({ id: 'CreateRequestBatch' })

/** Texts and an extractor, or raw requests. */
export const createBatch = z
  .discriminatedUnion('task', [createExtractionBatch, createRequestBatch])
  .meta({ id: 'CreateBatch' })

const onInvalid = z
  .enum(['stop', 'skip'])
  .default('stop')
  .describe('What an invalid line does: `stop` ends the upload, `skip` leaves the line out and reports it.')

/** The extractor and the options of a batch as query parameters, for a body that is a stream of items. */
export const uploadQuery = z.strictObject({
  extractor: extractorReference.optional().describe('For a stream of items: `name` or `name@version`.'),
  ...optionTexts(batchOptions.shape),
  on_invalid: onInvalid,
})

/** The field `batch` of an upload of documents, which become its items. */
export const documentBatch = z
  .strictObject({ extractor: extractorChoice, ...batchOptions.shape })
  .meta({ id: 'DocumentBatch' })

export const openUpload = z
  .strictObject({ extractor: extractorChoice, ...batchOptions.shape })
  .meta({ id: 'OpenUpload' })

export const appendQuery = z.strictObject({
  from: z.coerce
    .number()
    .int()
    .min(0)
    .describe('The index of the first item sent, which is the number of items that the batch has.'),
  on_invalid: onInvalid,
})

const { concurrency, priority, max_cost_usd: maxCostUsd } = batchOptions.shape
export const patchBatch = z
  .strictObject({
    concurrency: concurrency.unwrap().nullable().optional(),
    priority: priority.unwrap().optional(),
    max_cost_usd: maxCostUsd.unwrap().nullable().optional(),
  } satisfies Record<(typeof liveOptions)[number], z.ZodType>)
  .refine((patch) => Object.keys(patch).length > 0, `Give at least one of ${liveOptionNames}.`)
  .meta({ id: 'PatchBatch' })
export type PatchBatch = z.infer<typeof patchBatch>

const skipped = z.object({
  count: z.int(),
  first: z.array(z.object({ line: z.int(), message: z.string() })).describe('The first 20 of them.'),
})
export type Skipped = z.infer<typeof skipped>

export const batch = z
  .object({
    id: z.string(),
    object: z.literal('batch'),
    task: z
      .enum(['extraction', 'request'])
      .describe(
        '`extraction`: items are texts, and results have `data`. `request`: items are request bodies, and results have `response`.',
      ),
    name: z.string().nullable().describe('As given when it was created.'),
    extractor: z
      .string()
      .describe('`name@version`, `inline`, `summary` for a level of a summary, or `request` and the endpoint.'),
    lane: z.string(),
    status: batchStatus,
    pause_reason: z
      .string()
      .nullable()
      .describe(
        'Why it is paused: `user`, `max_cost_usd`, or what failed for the whole lane. Or why nothing runs it: `lane_gone: ...` (its lane is not configured any more), `no_worker: ...` (no running worker has its lane).',
      ),
    hold: z
      .object({ until: z.number(), reason: z.string() })
      .nullable()
      .describe(
        'The provider asked its lane to wait for more than a second: until when (unix time), and why. `POST /v1/lanes/{name}/resume` ends the wait.',
      ),
    counts: z.object({
      total: z.int(),
      waiting: z.int(),
      running: z.int(),
      succeeded: z.int(),
      failed: z.int(),
      cancelled: z.int(),
    }),
    usage: z.object({
      input_tokens: z.int(),
      output_tokens: z.int(),
      calls: z.int().describe('Paid requests to the provider.'),
      repeated_calls: z.int().describe('Calls that repeat a call which may have been paid.'),
      deduplicated: z
        .int()
        .describe('Items answered without a call because another item of the batch has the same text.'),
      cached: z.int().describe('Items answered without a call, from answers kept by `cache_s`.'),
    }),
    cost_usd: z.number().nullable().describe('Null when the lane has no prices.'),
    eta_s: z.object({ p50: z.number(), p90: z.number() }).nullable().describe('Seconds to the end; null when unknown.'),
    rate: z
      .object({
        items_per_s: z.number().describe('The median of the last minute.'),
        slow_items_per_s: z.number().describe('One tenth of the last minute was slower.'),
      })
      .nullable()
      .describe('Null while it does not run, and until it is known.'),
    binding: z
      .object({
        by: z.enum(['requests', 'tokens', 'concurrency', 'hold', 'workers', 'batch_concurrency', 'cost_cap']),
        reason: z.string().describe('In words.'),
      })
      .nullable()
      .describe(
        'What keeps it from going faster now: a limit of the lane in requests or tokens, the calls that the workers may have in flight, a wait that the provider asked for, missing workers, its own `concurrency`, or `max_cost_usd`.',
      ),
    concurrency: z.int().nullable(),
    max_cost_usd: z.number().nullable(),
    deadlines,
    priority: z.int(),
    stored_bytes: z
      .int()
      .nullable()
      .describe('Redis memory of items and results, estimated from samples; null where Redis does not report it.'),
    created_at: z.number(),
    started_at: z.number().nullable(),
    finished_at: z.number().nullable(),
    skipped: skipped.nullable().describe('Lines left out by `on_invalid=skip`.'),
    metadata,
  })
  .meta({ id: 'Batch' })
export type Batch = z.infer<typeof batch>

/** The answer to a new batch. */
export const createdBatch = z
  .object({
    ...batch.shape,
    warnings: schemaWarnings.describe('Of an inline extractor: what of its schema is not checked.'),
  })
  .meta({ id: 'CreatedBatch' })

export const batchList = z
  .object({
    object: z.literal('list'),
    data: z.array(batch),
    has_more: z.boolean(),
    next: z
      .string()
      .nullable()
      .describe(
        'Send it as `after` for the next page; null when there is none. With a filter, one request looks at 5,000 batches at most, so a page may have fewer than `limit` although there is a next one.',
      ),
  })
  .meta({ id: 'BatchList' })
export type BatchList = z.infer<typeof batchList>

export const listBatchesQuery = z.strictObject({
  after: z
    .string()
    .max(100)
    .optional()
    .describe('`next` of the page before, or the id of the last batch that you have.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  status: batchStatus.optional(),
  lane: laneName.optional(),
  extractor: z
    .union([extractorReference, z.enum(['inline', 'summary'])], '`name` of an extractor, `name@version`, or `inline`.')
    .optional()
    .describe('`name` (all its versions), `name@version`, or `inline`.'),
  search: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Part of the id, of the name, or of a value of the metadata; upper and lower case are the same.'),
})
export type ListBatchesQuery = z.infer<typeof listBatchesQuery>

export const deletedBatch = z
  .object({ id: z.string(), object: z.literal('batch'), deleted: z.literal(true) })
  .meta({ id: 'DeletedBatch' })
