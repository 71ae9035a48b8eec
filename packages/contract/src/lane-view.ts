import { z } from 'zod'

/** A lane at work. Totals are since the lane's first call, flushed by workers once a second; a batch's own numbers are exact. */
export const laneView = z
  .object({
    object: z.literal('lane'),
    name: z.string(),
    model: z.string(),
    workers: z.int().describe('Worker processes that live.'),
    concurrency: z.int().describe('Calls they may have in flight together.'),
    workers_wanted: z
      .int()
      .describe('Worker processes that the work at hand could keep busy: scale on it. More would wait for the limit.'),
    in_flight: z.int(),
    waiting_for_quota: z.int().describe('Calls that wait for their place in the limit.'),
    held_until: z
      .number()
      .nullable()
      .describe('Until then no call goes, because the provider refused one; at most a day. Null when it is not held.'),
    items_waiting: z.int().describe('Of all batches at work on this lane.'),
    window: z
      .object({ waiting: z.int(), active: z.int(), delayed: z.int() })
      .describe('Items that are BullMQ jobs now.'),
    batches: z.int().describe('At work.'),
    pause_reason: z
      .string()
      .nullable()
      .describe(
        'Why batches are paused that nobody paused: nothing on this lane can succeed. `resume` goes on with all.',
      ),
    calls: z.record(z.string(), z.int()).describe('Calls by their outcome.'),
    repeated_calls: z.int().describe('Calls that repeat one which may have been paid: its end is unknown.'),
    call_seconds: z
      .object({ buckets: z.record(z.string(), z.int()), sum: z.number(), count: z.int() })
      .describe('How long calls took: cumulative counts by upper bound.'),
    usage: z.object({ input_tokens: z.int(), cached_input_tokens: z.int(), output_tokens: z.int() }),
    cost_usd: z.number().nullable().describe('Null when the lane has no prices.'),
  })
  .meta({ id: 'Lane' })
export type LaneView = z.infer<typeof laneView>

export const resumedLane = z
  .object({ object: z.literal('lane.resumed'), name: z.string(), batches: z.int().describe('That go on.') })
  .meta({ id: 'ResumedLane' })

export const laneList = z
  .object({ object: z.literal('list'), data: z.array(laneView), has_more: z.literal(false) })
  .meta({ id: 'LaneList' })
export type LaneList = z.infer<typeof laneList>
