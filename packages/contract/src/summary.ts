import { z } from 'zod'
import { batch, batchOptions } from './batch.ts'
import { laneName, modelParameters } from './extractor.ts'
import { itemText, metadata } from './item.ts'
import { failureType } from './result.ts'

export const summaryStatus = z.enum(['in_progress', 'paused', 'completed', 'failed', 'cancelled'])
export type SummaryStatus = z.infer<typeof summaryStatus>

/** Tokens of a chunk where the request says neither their size nor their number. */
export const defaultChunkTokens = 4_000
/** Summaries that are put together in one call: more where a chunk has more. */
export const defaultReduceTokens = 8_000

const options = {
  chunks: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('Into how many parts the text is split; fewer where it has not so many sentences.'),
  chunk_tokens: z
    .int()
    .min(50)
    .max(1_000_000)
    .optional()
    .describe(
      `The most tokens of a part; ${defaultChunkTokens} where \`chunks\` is not given either, or what the lane's context has room for.`,
    ),
  reduce_tokens: z
    .int()
    .min(100)
    .max(1_000_000)
    .optional()
    .describe(
      `The most tokens of summaries that one call puts together, but never less than two summaries; ${defaultReduceTokens}, or the size of a part where that is more. What is longer takes one more level.`,
    ),
  instructions: z
    .string()
    .max(60_000)
    .default('')
    .describe(
      'What the summary shall be like, such as "In German, three sentences". Said to the model on every level.',
    ),
  lane: laneName.default('default'),
  parameters: modelParameters.default({}),
  concurrency: batchOptions.shape.concurrency.describe('Calls of this summary in flight at once, across all workers.'),
  priority: batchOptions.shape.priority,
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

/** The field `summary` of a form whose file is summarised. */
export const documentSummary = z.strictObject(options).refine(hasOneSize, twoSizes).meta({ id: 'DocumentSummary' })
export type SummaryOptions = z.infer<typeof documentSummary>

export const createSummary = z
  .strictObject({ text: itemText, ...options })
  .refine(hasOneSize, twoSizes)
  .meta({ id: 'CreateSummary' })

export const summaryLevel = z.object({
  level: z.int().describe('1: the parts of the text; each further one: the summaries of the level before it.'),
  batch_id: z.string().describe('The batch that makes, or made, the summaries of this level.'),
  counts: batch.shape.counts,
})

export const summaryChunk = z.object({
  index: z.int(),
  start: z.int().describe('Where the part begins in the text, in UTF-16 code units, as JavaScript counts them.'),
  end: z.int().describe('Behind its last character.'),
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
      .describe('Why it is paused; it goes on when the batch of its last level is resumed.'),
    error: z.object({ type: failureType, message: z.string() }).nullable().describe('Only when failed.'),
    percent: z.int().describe('Of the calls that are known of; 100 only when completed.'),
    levels: z.array(summaryLevel).describe('Those begun so far.'),
    summary: z.string().nullable().describe('Of the whole text; only when completed.'),
    chunks: z.array(summaryChunk).describe('The parts with their summaries, in order; only when completed.'),
    usage: batch.shape.usage.describe('Of all levels.'),
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
    .describe('Answer when the summary has ended or is paused, at the latest after this time.'),
})

export const deletedSummary = z
  .object({ id: z.string(), object: z.literal('summary'), deleted: z.literal(true) })
  .meta({ id: 'DeletedSummary' })

/** Where a part of the text stands in it: the metadata of the items of level 1. */
export const chunkPlace = z.object({ start: z.int(), end: z.int() })
