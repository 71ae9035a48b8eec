import { z } from 'zod'

/** A lane at work. Totals count from the lane's first call; workers write them once a second. A batch's own numbers are exact. */
const laneView = z
  .object({
    object: z.literal('lane'),
    name: z.string(),
    model: z.string(),
    workers: z.int().describe('Worker processes that are alive.'),
    concurrency: z.int().describe('Calls that all workers may have in flight together.'),
    workers_wanted: z
      .int()
      .describe(
        'Worker processes that the current work could keep busy; use it for scaling. More would only wait for the rate limit.',
      ),
    in_flight: z.int(),
    waiting_for_quota: z.int().describe('Calls that wait for the rate limit.'),
    held_until: z
      .number()
      .nullable()
      .describe(
        'No call starts before this time, because the provider rejected one; at most a day ahead. Null if calls may start.',
      ),
    items_waiting: z.int().describe('Items of all running batches on this lane.'),
    window: z
      .object({ waiting: z.int(), active: z.int(), delayed: z.int() })
      .describe('Items that currently are BullMQ jobs.'),
    batches: z.int().describe('Running batches.'),
    pause_reason: z
      .string()
      .nullable()
      .describe(
        'Why batches were paused automatically: no call on this lane can succeed. `resume` resumes all of them.',
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
