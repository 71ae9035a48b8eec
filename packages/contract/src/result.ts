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

export const resultStatus = z.enum(['succeeded', 'failed', 'cancelled'])
export type ResultStatus = z.infer<typeof resultStatus>

/** One line of a results stream. */
export const result = z
  .object({
    index: z.int(),
    id: z.string(),
    status: resultStatus,
    data: z.unknown().optional().describe('The validated object; only when succeeded.'),
    error: z.object({ type: failureType, message: z.string() }).optional(),
    raw: z
      .string()
      .optional()
      .describe("The model's last answer as it came; only when it was paid for and not usable."),
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
          .describe('Where the parts stand in the text, in UTF-16 units; each overlaps the one before.'),
        sources: z
          .record(z.string(), z.int())
          .describe('By JSON pointer, the part (from 0) that each element of a list and each other value came from.'),
      })
      .optional()
      .describe("Only when the text was longer than the lane's context and was asked in parts."),
    usage: usage.optional(),
    cost_usd: z.number().optional().describe('Only when the lane has prices.'),
    cached: z.literal(true).optional().describe('Only when the answer is of an earlier batch: no call was made.'),
    duplicate_of: z
      .int()
      .optional()
      .describe('The index of the item with the same text whose answer this is: no call was made.'),
    attempts: z.int().describe('Calls made for this item.'),
    metadata: metadata.optional(),
    cursor: z.string().describe('Give it as `after` to go on behind this line.'),
  })
  .meta({ id: 'Result' })
export type Result = z.infer<typeof result>

export const resultsQuery = z.strictObject({
  order: z.enum(['input', 'completion']).default('input'),
  follow: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .describe('Wait for results to come until the batch has ended.'),
  after: z.string().max(64).optional().describe('The cursor of the last line already seen.'),
  status: resultStatus.optional(),
})
export type ResultsQuery = z.infer<typeof resultsQuery>

/** Which failed items go back to work; all of them when nothing is chosen. */
export const retryBatch = z
  .strictObject({
    status: z.enum(['failed']).default('failed'),
    error_type: failureType.optional(),
    items: z.array(z.string()).min(1).max(10_000).optional().describe('Item ids.'),
    dry_run: z.boolean().default(false).describe('Only tell how many would go back.'),
  })
  .meta({ id: 'RetryBatch' })
export type RetryBatch = z.infer<typeof retryBatch>

export const retried = z
  .object({ object: z.literal('retry'), batch_id: z.string(), retried: z.int(), dry_run: z.boolean() })
  .meta({ id: 'Retried' })
