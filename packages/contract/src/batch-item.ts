import { z } from 'zod'
import { metadata } from './item.ts'
import { failureGroupId, failureType, result } from './result.ts'
import { usage } from './usage.ts'

const itemStatus = z.enum(['waiting', 'running', 'succeeded', 'failed', 'cancelled'])
export type ItemStatus = z.infer<typeof itemStatus>

/** The most characters of a text that lists show. */
export const shownText = 200

const batchItem = z
  .object({
    index: z.int().describe('Its place in the batch, from 0.'),
    id: z.string(),
    status: itemStatus,
    error: z
      .object({ type: failureType, message: z.string().describe('The first 1,000 characters.') })
      .nullable()
      .describe('Only when it failed.'),
    text: z.string().describe(`The first ${shownText} characters.`),
    attempts: z.int().describe('Calls made for it.'),
    cost_usd: z.number().nullable().describe('Null while it is not done, and when the lane has no prices.'),
  })
  .meta({ id: 'BatchItem' })
export type BatchItem = z.infer<typeof batchItem>

export const batchItemList = z
  .object({
    object: z.literal('list'),
    data: z.array(batchItem).describe('In the order of the items.'),
    has_more: z.boolean(),
    next: z
      .string()
      .nullable()
      .describe(
        'Send it as `after`, or as `before` if this page came by `before`; null when no item is left in this direction. The work of a request is bounded, so a page may have few items, or none, although there are more.',
      ),
  })
  .meta({ id: 'BatchItemList' })
export type BatchItemList = z.infer<typeof batchItemList>

const place = z
  .string()
  .regex(/^\d{1,10}$/, 'A place in the batch is the index of an item: a whole number from 0.')
  .transform(Number)

export const listItemsQuery = z
  .strictObject({
    status: itemStatus.optional(),
    error_type: failureType.optional(),
    error_group: failureGroupId.optional().describe('Only failures of this group.'),
    search: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Part of the id or of the text; upper and lower case are the same.'),
    from: place.optional().describe('The index of the first item.'),
    after: place.optional().describe('Only items after this index: `next` of the page before.'),
    before: place.optional().describe('Only items before this index, the nearest ones.'),
    limit: z.coerce.number().int().min(1).max(500).default(50),
  })
  .refine(({ from, after, before }) => [from, after, before].filter((one) => one !== undefined).length <= 1, {
    path: ['from'],
    message: 'Give one of `from`, `after` and `before`.',
  })
  .refine(
    ({ status, error_type, error_group }) =>
      (error_type ?? error_group) === undefined || (status ?? 'failed') === 'failed',
    {
      path: ['status'],
      message: 'Only failed items have an error: leave `status` out, or leave out `error_type` and `error_group`.',
    },
  )
export type ListItemsQuery = z.infer<typeof listItemsQuery>

/** One call for an item. */
const attempt = z
  .object({
    at: z.number().nullable().describe('When it ended, in unix seconds; null where that was not kept.'),
    latency_ms: z.int().nullable(),
    outcome: z.string().describe('`extracted`, `invalid-output`, `unavailable`, `rate-limited` and so on.'),
    reason: z
      .string()
      .nullable()
      .describe(
        'What was wrong, at most 1,000 characters; the model is asked again with it. Null for an answer that was taken.',
      ),
    usage,
    cost_usd: z.number().nullable(),
    raw: z.string().nullable().describe('The answer as it came, at most 4,000 characters.'),
  })
  .meta({ id: 'Attempt' })
export type Attempt = z.infer<typeof attempt>

export const batchItemDetail = z
  .object({
    index: z.int(),
    id: z.string(),
    status: itemStatus,
    text: z.string().describe('The whole text.'),
    metadata: metadata.nullable(),
    result: result.omit({ cursor: true }).nullable().describe('Null while it is not done.'),
    attempts: z
      .array(attempt)
      .describe(
        'Its calls, the first one first. Kept for items that took more than one call or failed, up to 16 KB each, and for the first 10,000 such items of a batch; otherwise what the result says of the last one.',
      ),
  })
  .meta({ id: 'BatchItemDetail' })
export type BatchItemDetail = z.infer<typeof batchItemDetail>

export const timeline = z
  .object({
    object: z.literal('timeline'),
    events: z
      .array(
        z.object({
          at: z.number().describe('Unix seconds.'),
          type: z.enum([
            'created',
            'started',
            'paused',
            'resumed',
            'cancelling',
            'worker_lost',
            'retried',
            'changed',
            'held',
            'hold_ended',
            'completed',
            'cancelled',
          ]),
          message: z.string().describe('In words, such as why it was paused; may be empty.'),
        }),
      )
      .max(202)
      .describe('What happened to the batch, the oldest first: the newest 200, its creation and its start.'),
    samples: z
      .array(
        z.object({
          at: z.number().describe('Unix seconds.'),
          succeeded: z.int(),
          failed: z.int(),
          cost_usd: z.number().nullable().describe('Null when the lane has no prices.'),
          limit_per_s: z
            .number()
            .nullable()
            .describe('Items per second that the known limits of the lane allow, at what an item took so far.'),
        }),
      )
      .max(301)
      .describe('How far it was: one a second at first, less often the longer the batch takes, and last as it is now.'),
  })
  .meta({ id: 'Timeline' })
export type Timeline = z.infer<typeof timeline>

const failureGroup = z
  .object({
    id: failureGroupId,
    type: failureType,
    path: z
      .string()
      .nullable()
      .describe(
        'JSON pointer of the field that does not fit the schema, with `*` for elements of lists; null where no field is at fault.',
      ),
    message: z.string().describe('What all have in common: quoted values, ids, paths and numbers are replaced.'),
    count: z.int(),
    sample: z
      .object({ index: z.int(), id: z.string(), message: z.string() })
      .nullable()
      .describe('The failure that came last; null after it was retried.'),
  })
  .meta({ id: 'FailureGroup' })

export const failureGroupList = z
  .object({
    object: z.literal('list'),
    data: z.array(failureGroup).max(100).describe('The largest first.'),
    other_count: z.int().describe('Failures in none of them: a batch has at most 100 groups.'),
    has_more: z.literal(false),
  })
  .meta({ id: 'FailureGroupList' })
export type FailureGroupList = z.infer<typeof failureGroupList>
