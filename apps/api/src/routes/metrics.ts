import type { LaneView } from '@sluice/contract/lane-view'
import { Counter, Gauge, Registry } from 'prom-client'

/** The lanes in Prometheus' text format. Totals come from Redis, so every API process reports the same. */
export async function formatMetrics(
  lanes: readonly LaneView[],
  redis: { usedBytes: number; limitBytes: number },
): Promise<{ contentType: string; text: string }> {
  const registry = new Registry()
  const gauge = (name: string, help: string, labelNames: readonly string[] = ['lane']) =>
    new Gauge({ name: `sluice_${name}`, help, labelNames: [...labelNames], registers: [registry] })
  const counter = (name: string, help: string, labelNames: readonly string[] = ['lane']) =>
    new Counter({ name: `sluice_${name}`, help, labelNames: [...labelNames], registers: [registry] })

  const ofModel = ['lane', 'model']
  const workers = gauge('workers', 'Worker processes that are alive.')
  const wanted = gauge('workers_wanted', 'Worker processes that the current work could keep busy.')
  const concurrency = gauge('concurrency', 'Calls that all workers may have in flight together.')
  const inFlight = gauge('calls_in_flight', 'Calls in flight.')
  const waiting = gauge('calls_waiting_for_quota', 'Calls that wait for the rate limit.')
  const items = gauge('items_waiting', 'Items of all running batches that are neither done nor in flight.')
  const batches = gauge('batches_active', 'Running batches.')
  const held = gauge(
    'held_seconds',
    'How long no call of the model may start, because the provider asked to wait.',
    ofModel,
  )
  const modelInFlight = gauge('model_in_flight', 'Requests and tokens in flight of a model.', [...ofModel, 'unit'])
  const factor = gauge('token_cost_factor', 'Tokens that the provider charges for each token counted.', ofModel)
  const ofLimit = [...ofModel, 'limit', 'unit', 'source']
  const limitSize = gauge('limit', 'A limit that is known, in a period.', ofLimit)
  const limitRemaining = gauge('limit_remaining', 'What calls may use of a limit now.', ofLimit)
  const limitUsed = gauge('limit_used', 'What is used of a limit now.', ofLimit)
  const binding = gauge('limit_binding', '1 for the limit of a model with the least room.', [...ofModel, 'limit'])
  const waits = gauge('waits', '1 while calls of the model wait, with the reason.', [...ofModel, 'reason'])
  const window = gauge('window_jobs', 'Items that are BullMQ jobs, by their state.', ['lane', 'state'])
  const calls = counter('calls_total', 'Calls to the provider, by outcome.', ['lane', 'outcome'])
  const repeated = counter('repeated_calls_total', 'Calls that repeat a call which may have been paid.')
  const tokens = counter('tokens_total', 'Paid tokens.', ['lane', 'kind'])
  const cost = counter('cost_usd_total', 'Cost of the calls, if the lane has prices.')
  const buckets = counter('call_seconds_bucket', 'Duration of calls.', ['lane', 'le'])
  const sum = counter('call_seconds_sum', 'Total duration of calls.')
  const count = counter('call_seconds_count', 'Calls whose duration is counted.')
  gauge('redis_used_bytes', 'Memory that Redis uses.', []).set(redis.usedBytes)
  gauge('redis_limit_bytes', 'Memory that Redis may use; 0: no limit.', []).set(redis.limitBytes)

  for (const it of lanes) {
    const lane = it.name
    workers.set({ lane }, it.workers)
    wanted.set({ lane }, it.workers_wanted)
    concurrency.set({ lane }, it.concurrency)
    inFlight.set({ lane }, it.in_flight)
    waiting.set({ lane }, it.waiting_for_quota)
    items.set({ lane }, it.items_waiting)
    batches.set({ lane }, it.batches)
    for (const [state, jobs] of Object.entries(it.window)) window.set({ lane, state }, jobs)
    setLimits(lane, '', it.limits)
    for (const known of it.models) {
      const { model } = known
      held.set({ lane, model }, known.held_until === null ? 0 : Math.max(0, known.held_until - Date.now() / 1_000))
      modelInFlight.set({ lane, model, unit: 'requests' }, known.requests_in_flight)
      modelInFlight.set({ lane, model, unit: 'tokens' }, known.tokens_in_flight)
      if (known.cost_factor !== null) factor.set({ lane, model }, known.cost_factor)
      if (known.binding_limit !== null) binding.set({ lane, model, limit: known.binding_limit }, 1)
      if (known.waits_for !== null) waits.set({ lane, model, reason: known.waits_for }, 1)
      setLimits(lane, model, known.limits)
    }
    for (const [outcome, number] of Object.entries(it.calls)) calls.inc({ lane, outcome }, number)
    repeated.inc({ lane }, it.repeated_calls)
    for (const [kind, number] of Object.entries(it.usage))
      tokens.inc({ lane, kind: kind.replace('_tokens', '') }, number)
    if (it.cost_usd !== null) cost.inc({ lane }, it.cost_usd)
    for (const [le, number] of Object.entries(it.call_seconds.buckets)) buckets.inc({ lane, le }, number)
    buckets.inc({ lane, le: '+Inf' }, it.call_seconds.count)
    sum.inc({ lane }, it.call_seconds.sum)
    count.inc({ lane }, it.call_seconds.count)
  }
  return { contentType: registry.contentType, text: await registry.metrics() }

  function setLimits(lane: string, model: string, limits: LaneView['limits']): void {
    for (const { name, unit, source, limit, remaining, used } of limits) {
      const labels = { lane, model, limit: name, unit, source }
      if (limit !== null) limitSize.set(labels, limit)
      limitRemaining.set(labels, remaining)
      limitUsed.set(labels, used)
    }
  }
}
