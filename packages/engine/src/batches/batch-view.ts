import type { Batch, BatchStatus } from '@sluice/contract/batch'
import type { BatchMeta } from '../ledger/batch-meta.ts'
import { holdOf, type LanePulse } from '../lanes/lane-pulse.ts'
import { itemLockMs, itemScanMs } from '../queues/jobs.ts'
import { bindingOf } from './binding.ts'

export interface BatchState {
  readonly meta: BatchMeta & { readonly status: BatchStatus }
  /** Items in the window, read together with `meta`. */
  readonly open: number
  /** Calls in flight, read together with `meta`. */
  readonly running: number
  /** Redis memory of items and results; null if Redis does not report it. */
  readonly bytes: number | null
  /** Whether its lane has prices. */
  readonly priced: boolean
  readonly nowMs: number
  /** The configuration has its lane no more. */
  readonly laneIsGone?: boolean
  /** What sets the pace of its lane; null where that is not known. */
  readonly pulse: LanePulse | null
}

/** Without progress for so long, and for so many times the usual interval, a batch waits for something. */
const quietMs = 1_000
const quietIntervals = 3
/** `recovery/dead-workers.ts` gives the items of a killed worker to others within this. */
const deadWorkerMs = 5_000

/** The batch as the API shows it. Waiting is what remains, so the counts always add up to `total`. */
export function toBatch(id: string, state: BatchState): Batch {
  const { meta, open, running, bytes, priced, pulse, nowMs } = state
  const hold = pulse === null ? null : holdOf(pulse, nowMs)
  const { status, total, succeeded, failed } = meta
  const stopped = status === 'cancelling' || status === 'cancelled'
  // While a batch is cancelled, only items that a worker holds are open; each ends when its call is aborted.
  const live = stopped ? open : running
  const rest = total - succeeded - failed - live
  return {
    id,
    object: 'batch',
    task: meta.request === null ? 'extraction' : 'request',
    name: meta.name ?? null,
    extractor: meta.label,
    lane: meta.lane,
    status,
    pause_reason: meta.pause_reason || laneProblem(state),
    hold: hold ? { until: hold.untilMs / 1_000, reason: hold.reason } : null,
    counts: {
      total,
      waiting: stopped ? 0 : rest,
      running: live,
      succeeded,
      failed,
      cancelled: stopped ? rest : 0,
    },
    usage: {
      input_tokens: meta.input_tokens,
      output_tokens: meta.output_tokens,
      calls: meta.calls,
      repeated_calls: meta.repeated_calls,
      deduplicated: meta.deduplicated,
      cached: meta.cached,
    },
    cost_usd: priced ? meta.cost_nano_usd / 1e9 : null,
    eta_s: eta(state, rest + live, hold === null ? 0 : Math.max(0, hold.untilMs - nowMs) / 1_000),
    rate: rateOf(meta),
    binding: bindingOf(meta, { running, pulse, nowMs }),
    concurrency: meta.concurrency,
    deadlines: meta.deadlines ?? {},
    max_cost_usd: meta.max_cost_nano_usd === null ? null : meta.max_cost_nano_usd / 1e9,
    priority: meta.priority,
    stored_bytes: bytes,
    created_at: seconds(meta.created_at) ?? 0,
    started_at: seconds(meta.started_at),
    finished_at: seconds(meta.finished_at),
    skipped: meta.skipped,
    metadata: meta.metadata,
  }
}

/** Why nothing runs a batch that is not paused; null if something does. */
function laneProblem({ meta: { status, lane }, laneIsGone, pulse }: BatchState): string | null {
  if (status !== 'in_progress' && status !== 'paused' && status !== 'cancelling') return null
  if (laneIsGone === true)
    return `lane_gone: the lane '${lane}' is not configured; add it to sluice.config.ts again, or cancel the batch`
  if (pulse?.workers === 0)
    return `no_worker: no running worker has the lane '${lane}'; start one whose sluice.config.ts has it`
  return null
}

function rateOf({ status, rate_p50: p50, rate_p10: p10 }: BatchMeta): Batch['rate'] {
  return status === 'in_progress' && p50 > 0 ? { items_per_s: p50, slow_items_per_s: p10 } : null
}

function seconds(unixMs: number | null): number | null {
  return unixMs === null ? null : unixMs / 1000
}

/** From the median and the slow tenth of recent rates, after the lane's hold, but no less than the wait for the items of a worker that was killed. */
function eta({ meta, open, nowMs }: BatchState, left: number, heldS: number): Batch['eta_s'] {
  const { status, rate_p50: p50, rate_p10: p10 } = meta
  if (status !== 'in_progress' || !(p10 > 0)) return null
  const quietForMs = open === 0 ? 0 : sinceProgressMs(meta, nowMs)
  const waits = quietForMs > Math.max(quietMs, (quietIntervals * 1_000) / p50)
  // Others take over the items of a killed worker within 5 s; those of a frozen one when its locks have expired and the next scan finds it.
  const waitP90 = waits ? (itemLockMs + itemScanMs - quietForMs) / 1_000 : 0
  const takenOverMs = quietForMs < deadWorkerMs ? deadWorkerMs : itemLockMs + itemScanMs / 2
  const waitP50 = waits ? (takenOverMs - quietForMs) / 1_000 : 0
  const round = (value: number) => Math.round(value * 10) / 10
  return { p50: round(Math.max(heldS + left / p50, waitP50)), p90: round(Math.max(heldS + left / p10, waitP90)) }
}

/** While its counts change, a batch is reported twice a second. If that stops, the worker with its job is dead or frozen, and so are the items it holds. */
const reporterSilentMs = 5_000

/** 0 if items were done since the last report, unless the reports have stopped. */
function sinceProgressMs({ progress_at, progress_done, succeeded, failed }: BatchMeta, nowMs: number): number {
  if (progress_at === null) return 0
  const ageMs = nowMs - progress_at
  return succeeded + failed === progress_done || ageMs > reporterSilentMs ? ageMs : 0
}
