import type { Batch } from '@sluice/contract/batch'
import type { LaneLimit, LaneModel } from '@sluice/contract/lane-view'
import type { LanePulse } from '../lanes/lane-pulse.ts'
import type { BatchMeta } from '../ledger/batch-meta.ts'
import { overCost } from '../ledger/pause-reason.ts'

type BatchPace = Pick<BatchMeta, 'status' | 'pause_reason' | 'lane' | 'extractor' | 'concurrency'>

/** What keeps a batch from going faster now; null where nothing does, or where it does not run. `running`: its calls in flight. */
export function bindingOf(
  { status, pause_reason: reason, lane, extractor, concurrency }: BatchPace,
  { running, pulse, nowMs }: { readonly running: number; readonly pulse: LanePulse | null; readonly nowMs: number },
): Batch['binding'] {
  if (status === 'paused' && reason === overCost) {
    return { by: 'cost_cap', reason: 'The next call might take the batch beyond its max_cost_usd.' }
  }
  if (status !== 'in_progress') return null
  if (pulse === null) return { by: 'workers', reason: `The lane '${lane}' is not configured.` }
  if (pulse.workers === 0) return { by: 'workers', reason: `No worker of the lane '${lane}' is alive.` }
  const model = modelOf(pulse, extractor?.parameters.model)
  if (model !== undefined && model.held_until !== null && model.held_until * 1_000 > nowMs) {
    return { by: 'hold', reason: model.waits_for ?? 'The provider asked to wait.' }
  }
  if (concurrency !== null && running >= concurrency) {
    return { by: 'batch_concurrency', reason: `The batch may have ${concurrency} calls in flight at once.` }
  }
  if (pulse.waitingForQuota > 0) return boundByQuota(pulse, model)
  if (pulse.concurrency > 0 && pulse.inFlight >= pulse.concurrency) {
    return { by: 'concurrency', reason: `The workers have ${pulse.concurrency} calls in flight, as many as they may.` }
  }
  return null
}

function boundByQuota({ limits }: LanePulse, model: LaneModel | undefined): Batch['binding'] {
  const binding = [...(model?.limits ?? []), ...limits].find(({ name }) => name === model?.binding_limit)
  const limit = binding ?? limits.toSorted((a, b) => roomOf(a) - roomOf(b))[0]
  // The first answers of a lane are not there yet.
  if (limit === undefined) return { by: 'concurrency', reason: model?.waits_for ?? 'Calls wait for others to end.' }
  return { by: limit.unit, reason: model?.waits_for ?? `The limit '${limit.name}' sets the pace.` }
}

function roomOf({ remaining, used }: LaneLimit): number {
  return remaining / Math.max(1, remaining + used)
}

/**
 * Items per second that the lane allows, by the limits that are known and what an item of the batch takes on average; null where that is
 * not known.
 */
export function limitPerSecond(
  pulse: LanePulse,
  used: { readonly model: string | undefined; readonly items: number; readonly calls: number; readonly tokens: number },
): number | null {
  if (used.items === 0 || used.calls === 0) return null
  const model = modelOf(pulse, used.model)
  const rates = [...pulse.limits, ...(model?.limits ?? [])].flatMap(({ limit, period_s: periodS, unit, source }) => {
    if (limit === null || periodS === null) return []
    const factor = source === 'header' ? (model?.cost_factor ?? 1) : 1
    const each = (unit === 'requests' ? used.calls : used.tokens * factor) / used.items
    return each > 0 ? [limit / periodS / each] : []
  })
  return rates.length === 0 ? null : Math.min(...rates)
}

export function modelOf({ model, models }: LanePulse, named: string | undefined): LaneModel | undefined {
  return models.find((one) => one.model === (named ?? model))
}
