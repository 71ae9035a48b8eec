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

  const workers = gauge('workers', 'Worker processes that are alive.')
  const wanted = gauge('workers_wanted', 'Worker processes that the current work could keep busy.')
  const concurrency = gauge('concurrency', 'Calls that all workers may have in flight together.')
  const inFlight = gauge('calls_in_flight', 'Calls in flight.')
  const waiting = gauge('calls_waiting_for_quota', 'Calls that wait for the rate limit.')
  const items = gauge('items_waiting', 'Items of all running batches that are neither done nor in flight.')
  const batches = gauge('batches_active', 'Running batches.')
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
}
