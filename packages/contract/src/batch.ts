import { z } from 'zod'
import { extractorChoice, extractorReference, schemaWarnings } from './extractor.ts'
import { itemInput, metadata } from './item.ts'

export const batchStatus = z.enum(['uploading', 'in_progress', 'paused', 'cancelling', 'completed', 'cancelled'])
export type BatchStatus = z.infer<typeof batchStatus>

export function isEnded(status: BatchStatus): boolean {
  return status === 'completed' || status === 'cancelled'
}

const concurrency = z
  .int()
  .min(1)
  .max(100_000)
  .describe('Calls of this batch in flight at once, across all workers. None: as many as the lane takes.')
const priority = z
  .int()
  .min(1)
  .max(100)
  .describe("The batch's weight when it shares a lane; twice the weight, twice the share.")

const maxCostUsd = z
  .number()
  .positive()
  .max(1_000_000)
  .describe(
    'The batch pauses before a call that might take its cost beyond this, calls in flight counted. Sharp with `max_tokens` in the parameters, else from the length of earlier answers.',
  )

const seconds = z.number().positive().max(2_592_000)
export const deadlines = z
  .strictObject({
    call_s: seconds.optional().describe('One call; then it counts as timed out and is tried again.'),
    item_s: seconds.optional().describe('An item in all, from when a worker first takes it up.'),
    wait_s: seconds.optional().describe("An item's first call, from when the batch is accepted."),
  })
  .describe('Items that are too late fail as `timed_out`.')
export type Deadlines = z.infer<typeof deadlines>

const deduplicate = z
  .boolean()
  .describe('Items with the same text are answered by one call. Costs about 85 bytes of Redis for each different text.')
const cacheS = z
  .number()
  .positive()
  .max(31_536_000)
  .describe(
    'Answers are kept for so many seconds, and given again to the same text under the same schema, instructions, model and parameters, in any batch that takes answers of that age.',
  )

export const batchOptions = z
  .strictObject({
    concurrency: concurrency.optional(),
    priority: priority.default(10),
    max_cost_usd: maxCostUsd.optional(),
    deadlines: deadlines.optional(),
    deduplicate: deduplicate.optional(),
    cache_s: cacheS.optional(),
    metadata: metadata.default({}),
  })
  .meta({ id: 'BatchOptions' })
export type BatchOptions = z.infer<typeof batchOptions>

export const createBatch = z
  .strictObject({
    extractor: extractorChoice,
    items: z
      .array(itemInput)
      .min(1, 'A batch has at least one item.')
      .max(100_000, 'A JSON request carries at most 100,000 items.'),
    ...batchOptions.shape,
  })
  .meta({ id: 'CreateBatch' })
export type CreateBatch = z.infer<typeof createBatch>

const onInvalid = z
  .enum(['stop', 'skip'])
  .default('stop')
  .describe('What becomes of a line that is not valid: it ends the upload, or is left out and reported.')

/** An object as the text of a query parameter. */
const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown
      } catch {
        context.addIssue({ code: 'custom', message: 'This is not valid JSON.' })
        return z.NEVER
      }
    })
    .pipe(schema)
    .describe('JSON.')

/** The extractor and the options of a batch as query parameters, where its body is a stream of items. */
export const uploadQuery = z.strictObject({
  extractor: extractorReference.optional().describe('Of a stream of items: `name` or `name@version`.'),
  concurrency: z.coerce.number().pipe(concurrency).optional(),
  priority: z.coerce.number().pipe(priority).optional(),
  max_cost_usd: z.coerce.number().pipe(maxCostUsd).optional(),
  deadlines: json(deadlines).optional(),
  metadata: json(metadata).optional(),
  deduplicate: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .pipe(deduplicate)
    .optional(),
  cache_s: z.coerce.number().pipe(cacheS).optional(),
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
  from: z.coerce.number().int().min(0).describe('The index of the first item sent: how many the batch has already.'),
  on_invalid: onInvalid,
})

export const patchBatch = z
  .strictObject({
    concurrency: concurrency.nullable().optional(),
    priority: priority.optional(),
    max_cost_usd: maxCostUsd.nullable().optional(),
  })
  .meta({ id: 'PatchBatch' })
export type PatchBatch = z.infer<typeof patchBatch>

export const skipped = z.object({
  count: z.int(),
  first: z.array(z.object({ line: z.int(), message: z.string() })).describe('The first 20 of them.'),
})
export type Skipped = z.infer<typeof skipped>

export const batch = z
  .object({
    id: z.string(),
    object: z.literal('batch'),
    extractor: z.string().describe('`name@version`, `inline`, or `summary` for a level of a summary.'),
    lane: z.string(),
    status: batchStatus,
    pause_reason: z.string().nullable().describe('Why it is paused: `user`, or what failed for the whole lane.'),
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
      repeated_calls: z.int().describe('Calls made again because it could not be known whether the first was paid.'),
      deduplicated: z.int().describe('Items answered without a call, as another item of the batch has the same text.'),
      cached: z.int().describe('Items answered without a call, from the answers that `cache_s` has kept.'),
    }),
    cost_usd: z.number().nullable().describe('Null when the lane has no prices.'),
    eta_s: z
      .object({ p50: z.number(), p90: z.number() })
      .nullable()
      .describe('Seconds to the end; null when it cannot be told.'),
    concurrency: z.int().nullable(),
    max_cost_usd: z.number().nullable(),
    deadlines,
    priority: z.int(),
    stored_bytes: z
      .int()
      .nullable()
      .describe('Of Redis memory, items and results, by samples; null where Redis does not tell.'),
    created_at: z.number(),
    started_at: z.number().nullable(),
    finished_at: z.number().nullable(),
    skipped: skipped.nullable().describe('Lines left out because of `on_invalid=skip`.'),
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
  .object({ object: z.literal('list'), data: z.array(batch), has_more: z.boolean() })
  .meta({ id: 'BatchList' })
export type BatchList = z.infer<typeof batchList>

export const listBatchesQuery = z.strictObject({
  after: z.string().optional().describe('The id of the last batch already seen.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  status: batchStatus.optional(),
})
export type ListBatchesQuery = z.infer<typeof listBatchesQuery>

export const deletedBatch = z
  .object({ id: z.string(), object: z.literal('batch'), deleted: z.literal(true) })
  .meta({ id: 'DeletedBatch' })
