import type { Batch, BatchStatus } from '@sluice/contract/batch'
import type { BatchMeta } from '../ledger/batch-meta.ts'

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
  /** The configuration has its lane no more. */
  readonly laneIsGone?: boolean
}

/** The batch as the API shows it. Waiting is what remains, so the counts always add up to `total`. */
export function toBatch(id: string, { meta, open, running, bytes, priced, laneIsGone }: BatchState): Batch {
  const { status, total, succeeded, failed } = meta
  const stopped = status === 'cancelling' || status === 'cancelled'
  // While a batch is cancelled, only items that a worker holds are open; each ends when its call is aborted.
  const live = stopped ? open : running
  const rest = total - succeeded - failed - live
  return {
    id,
    object: 'batch',
    extractor: meta.label,
    lane: meta.lane,
    status,
    pause_reason: meta.pause_reason || (laneIsGone === true ? laneGone(meta) : null),
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
    eta_s: eta(status, rest + live, meta.rate_p50, meta.rate_p10),
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

/** Nothing will run the batch until its lane is configured again. */
function laneGone({ status, lane }: BatchState['meta']): string | null {
  if (status !== 'in_progress' && status !== 'paused' && status !== 'cancelling') return null
  return `lane_gone: the lane '${lane}' is not configured; add it to sluice.config.ts again, or cancel the batch`
}

function seconds(unixMs: number | null): number | null {
  return unixMs === null ? null : unixMs / 1000
}

/** From the median and the slow tenth of recent rates (items per second). */
function eta(status: BatchStatus, left: number, rateP50: number, rateP10: number): Batch['eta_s'] {
  if (status !== 'in_progress' || !(rateP10 > 0)) return null
  const at = (rate: number) => Math.round((left / rate) * 10) / 10
  return { p50: at(rateP50), p90: at(rateP10) }
}
