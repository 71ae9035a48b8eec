import { z } from 'zod'
import { batch, batchOptions } from './batch.ts'
import { laneName, modelParameters } from './extractor.ts'
import { itemText, metadata } from './item.ts'
import { failureType } from './result.ts'

const summaryStatus = z.enum(['in_progress', 'paused', 'completed', 'failed', 'cancelled'])
export type SummaryStatus = z.infer<typeof summaryStatus>

/** Tokens per chunk if the request gives neither their size nor their number. */
export const defaultChunkTokens = 4_000
/** Tokens of summaries that one call combines; more if a chunk has more. */
export const defaultReduceTokens = 8_000

const options = {
  chunks: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('Number of parts of the text; fewer if it has fewer sentences.'),
  chunk_tokens: z
    .int()
    .min(50)
    .max(1_000_000)
    .optional()
    .describe(
      `The most tokens per part. Default without \`chunks\`: ${defaultChunkTokens}, or what fits the lane's context.`,
    ),
  reduce_tokens: z
    .int()
    .min(100)
    .max(1_000_000)
    .optional()
    .describe(
      `The most tokens of summaries that one call combines, but at least two summaries. Default: ${defaultReduceTokens}, or the size of a part if that is larger. More text takes one more level.`,
    ),
  instructions: z
    .string()
    .max(60_000)
    .default('')
    .describe('How to write the summary, such as "In German, three sentences". Sent to the model on every level.'),
  lane: laneName.default('default'),
  parameters: modelParameters.default({}),
  concurrency: batchOptions.shape.concurrency.describe('Calls of this summary in flight at once, across all workers.'),
  priority: batchOptions.shape.priority,
  webhook: batchOptions.shape.webhook
    .unwrap()
    .describe('Gets a signed POST when the summary has ended, in addition to the endpoints of the configuration.')
    .optional(),
  metadata: batchOptions.shape.metadata,
}

function hasOneSize({
  chunks,
  chunk_tokens: size,
}: {
  chunks?: number | undefined
  chunk_tokens?: number | undefined
}) {
  return chunks === undefined || size === undefined
}
const twoSizes = { path: ['chunks'], message: 'Give `chunks` or `chunk_tokens`, not both.' }

/** The field `summary` of a form with the file to summarize. */
export const documentSummary = z.strictObject(options).refine(hasOneSize, twoSizes).meta({ id: 'DocumentSummary' })
export type SummaryOptions = z.infer<typeof documentSummary>

export const createSummary = z
  .strictObject({ text: itemText, ...options })
  .refine(hasOneSize, twoSizes)
  .meta({ id: 'CreateSummary' })

const summaryLevel = z.object({
  level: z.int().describe('1: the parts of the text; each further one: the summaries of the level before it.'),
  batch_id: z.string().describe('The batch that creates the summaries of this level.'),
  counts: batch.shape.counts,
})

const summaryChunk = z.object({
  index: z.int(),
  start: z.int().describe('Where the part begins in the text, in UTF-16 code units, as JavaScript counts them.'),
  end: z.int().describe('The position after its last character.'),
  summary: z.string(),
})
export type SummaryChunk = z.infer<typeof summaryChunk>

export const summary = z
  .object({
    id: z.string(),
    object: z.literal('summary'),
    lane: z.string(),
    status: summaryStatus,
    pause_reason: z
      .string()
      .nullable()
      .describe('Why it is paused; it continues when the batch of its last level is resumed.'),
    error: z.object({ type: failureType, message: z.string() }).nullable().describe('Only when failed.'),
    percent: z.int().describe('Share of the known calls that are done; 100 only when completed.'),
    levels: z.array(summaryLevel).describe('The levels that have started.'),
    summary: z.string().nullable().describe('Summary of the whole text; only when completed.'),
    chunks: z.array(summaryChunk).describe('The parts with their summaries, in order; only when completed.'),
    usage: batch.shape.usage.describe('Sum over all levels.'),
    cost_usd: batch.shape.cost_usd,
    created_at: z.number(),
    finished_at: z.number().nullable(),
    metadata,
  })
  .meta({ id: 'Summary' })
export type Summary = z.infer<typeof summary>

export const getSummaryQuery = z.strictObject({
  wait_s: z.coerce
    .number()
    .min(0)
    .max(600)
    .default(0)
    .describe('Wait until the summary has ended or is paused, but at most this long.'),
})

export const listSummariesQuery = z.strictObject({
  after: z
    .string()
    .max(100)
    .optional()
    .describe('`next` of the page before, or the id of the last summary that you have.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
})

export const summaryList = z
  .object({
    object: z.literal('list'),
    data: z.array(summary).describe('The newest first, each without `chunks`.'),
    has_more: z.boolean(),
    next: z.string().nullable().describe('Send it as `after` for the next page; null when there is none.'),
  })
  .meta({ id: 'SummaryList' })
export type SummaryList = z.infer<typeof summaryList>

export const deletedSummary = z
  .object({ id: z.string(), object: z.literal('summary'), deleted: z.literal(true) })
  .meta({ id: 'DeletedSummary' })

/** The position of a part in the text: the metadata of an item of level 1. */
export const chunkPlace = z.object({ start: z.int(), end: z.int() })
