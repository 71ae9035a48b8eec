import { z } from 'zod'

/** One limit of a lane, as far as it is known now. */
const laneLimit = z
  .object({
    name: z.string().describe("As the provider's header names it, or what it is."),
    unit: z.enum(['requests', 'tokens']),
    source: z
      .enum(['header', 'configuration', 'learned'])
      .describe("Where it is known from: the provider's headers, the configuration, or refused calls."),
    limit: z.number().nullable().describe('In a period; null if the provider does not say.'),
    period_s: z.number().nullable(),
    remaining: z.number().describe('What calls may use now, in units of the provider.'),
    used: z.number().describe('Of what may be used at once.'),
    resets_at: z.number().nullable().describe('Unix seconds; null if the provider does not say.'),
  })
  .meta({ id: 'LaneLimit' })
export type LaneLimit = z.infer<typeof laneLimit>

/** One model of a lane: providers limit each of them separately. */
const laneModel = z
  .object({
    model: z.string(),
    requests_in_flight: z.int(),
    tokens_in_flight: z.int().describe('As counted here, before the cost factor.'),
    cost_factor: z
      .number()
      .nullable()
      .describe('Tokens that the provider charges for each token counted here; null until it is known.'),
    held_until: z
      .number()
      .nullable()
      .describe('No call starts before this time (unix seconds). Null if calls may start.'),
    waits_for: z.string().nullable().describe('Why calls wait now; null if none waits.'),
    binding_limit: z.string().nullable().describe('The limit with the least room.'),
    limits: z.array(laneLimit),
  })
  .meta({ id: 'LaneModel' })
export type LaneModel = z.infer<typeof laneModel>

/** A lane at work. Totals count from the lane's first call; workers write them once a second. A batch's own numbers are exact. */
export const laneView = z
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
        'No call starts before this time, because the provider asked to wait; `models` says why. Null if calls may start. `resume` ends the wait.',
      ),
    limits: z.array(laneLimit).describe('Limits of the configuration: all models share them.'),
    models: z.array(laneModel).describe('Each model that calls used lately.'),
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
    latency_s: z
      .object({ p50: z.number(), p90: z.number(), p99: z.number() })
      .nullable()
      .describe('From `call_seconds`, between its bounds by interpolation; null before the first call.'),
    refused_calls: z.int().describe('Calls that the provider refused because of its rate limit (429).'),
    usage: z.object({ input_tokens: z.int(), cached_input_tokens: z.int(), output_tokens: z.int() }),
    cost_usd: z.number().nullable().describe('Null when the lane has no prices.'),
  })
  .meta({ id: 'Lane' })
export type LaneView = z.infer<typeof laneView>

export const resumedLane = z
  .object({
    object: z.literal('lane.resumed'),
    name: z.string(),
    batches: z.int().describe('Number of batches that continue.'),
  })
  .meta({ id: 'ResumedLane' })

export const laneList = z
  .object({ object: z.literal('list'), data: z.array(laneView), has_more: z.literal(false) })
  .meta({ id: 'LaneList' })
export type LaneList = z.infer<typeof laneList>
