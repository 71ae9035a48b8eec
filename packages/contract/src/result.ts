import { z } from 'zod'
import { metadata } from './item.ts'
import { usage } from './usage.ts'

export const failureType = z.enum([
  'refused',
  'truncated',
  'filtered',
  'invalid_output',
  'rejected',
  'unavailable',
  'timed_out',
  'too_large',
  'unreadable',
  'internal_error',
  'cancelled',
])
export type FailureType = z.infer<typeof failureType>

export const failureGroupId = z
  .string()
  .regex(/^[0-9a-f]{12}$/, 'A group of failures is 12 hexadecimal digits: its `id` from /v1/batches/{id}/errors.')

export const resultStatus = z.enum(['succeeded', 'failed', 'cancelled'])
export type ResultStatus = z.infer<typeof resultStatus>

/** One line of a results stream. */
export const result = z
  .object({
    index: z.int(),
    id: z.string(),
    status: resultStatus,
    data: z.unknown().optional().describe('The validated object; only when succeeded.'),
    response: z
      .object({
        status_code: z.int(),
        request_id: z.string().describe("The provider's id of the request; empty where it gives none."),
        body: z.string().describe("The JSON text of the provider's response, unchanged."),
      })
      .optional()
      .describe('Only of a raw request: what the provider answered, also where the request failed.'),
    error: z.object({ type: failureType, message: z.string() }).optional(),
    raw: z.string().optional().describe("The model's last answer, unchanged; only when it was paid for and unusable."),
    repaired: z
      .literal(true)
      .optional()
      .describe(
        'Only when the answer was not plain JSON: there was text around it, or it was written in another notation.',
      ),
    parts: z
      .object({
        ranges: z
          .array(z.object({ start: z.int(), end: z.int() }))
          .describe('Positions of the parts in the text, in UTF-16 code units; each part overlaps the one before.'),
        sources: z
          .record(z.string(), z.int())
          .describe('By JSON pointer, the part (from 0) that each element of a list and each other value came from.'),
      })
      .optional()
      .describe("Only when the text was longer than the lane's context and was split into parts."),
    usage: usage.optional(),
    cost_usd: z.number().optional().describe('Only when the lane has prices.'),
    cached: z.literal(true).optional().describe('Only when the answer comes from an earlier batch: no call was made.'),
    duplicate_of: z
      .int()
      .optional()
      .describe('The index of the item with the same text that this answer comes from: no call was made.'),
    attempts: z.int().describe('Calls made for this item.'),
    metadata: metadata.optional(),
    cursor: z.string().describe('Send it as `after` to continue after this line.'),
  })
  .meta({ id: 'Result' })
export type Result = z.infer<typeof result>

export const resultsQuery = z.strictObject({
  order: z.enum(['input', 'completion']).default('input'),
  follow: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .describe('Wait for further results until the batch has ended.'),
  after: z.string().max(64).optional().describe('The cursor of the last line that you have.'),
  status: resultStatus.optional(),
  format: z
    .enum(['ndjson', 'csv'])
    .optional()
    .describe(
      'As a file to download. `csv`: a column for each value of the schema, nested ones as `a.b`, lists as JSON; of raw requests `status_code`, `request_id` and `response`. Its header is left out with `after`. Default: what `Accept` asks for.',
    ),
  formulas: z
    .enum(['escape', 'keep'])
    .optional()
    .describe(
      'In CSV, a text that a spreadsheet would run as a formula (it begins with `=`, `+`, `-` or `@`) gets an apostrophe before it, unless this is `keep`.',
    ),
})
export type ResultsQuery = z.infer<typeof resultsQuery>

/** Selects the failed items to retry; all of them by default. */
export const retryBatch = z
  .strictObject({
    status: z.enum(['failed']).default('failed'),
    error_type: failureType.optional(),
    error_group: failureGroupId.optional().describe('Only failures of this group.'),
    items: z.array(z.string()).min(1).max(10_000).optional().describe('Item ids.'),
    dry_run: z
      .boolean()
      .default(false)
      .describe('Only count the items that would be retried, and estimate what they would cost.'),
  })
  .meta({ id: 'RetryBatch' })

export const retried = z
  .object({
    object: z.literal('retry'),
    batch_id: z.string(),
    retried: z.int().describe('Items that went back to work, or would.'),
    dry_run: z.boolean(),
    estimate: z
      .object({ ...usage.shape, cost_usd: z.number().nullable().describe('Null when the lane has no prices.') })
      .nullable()
      .describe('Only of a dry run: one call for each item, from a sample of up to 100 of them.'),
  })
  .meta({ id: 'Retried' })
