import type { Batch, BatchOptions, BatchStatus } from '@sluice/contract/batch'
import { extractorLabel, type Extractor } from '@sluice/contract/extractor'

/** The fields of a batch's meta hash. Numbers and times (unix ms) as decimal text, '' where there is none. */
export type BatchMeta = Record<string, string>

export function newMeta(extractor: Extractor, options: BatchOptions): BatchMeta {
  return {
    status: 'staging',
    pause_reason: '',
    extractor: JSON.stringify(extractor),
    label: extractorLabel(extractor),
    lane: extractor.lane,
    concurrency: options.concurrency === undefined ? '' : String(options.concurrency),
    priority: String(options.priority),
    max_cost_nano_usd: toNanoUsd(options.max_cost_usd),
    deduplicate: options.deduplicate ? '1' : '',
    cache_ms: options.cache_s === undefined ? '' : String(Math.round(options.cache_s * 1000)),
    deadlines: JSON.stringify(options.deadlines ?? {}),
    metadata: JSON.stringify(options.metadata),
    total: '0',
    next: '0',
    feeds: '0',
    round: '1',
    succeeded: '0',
    failed: '0',
    started_at: '',
    finished_at: '',
  }
}

/** As the ledger keeps it; '' for none. */
export function toNanoUsd(usd: number | null | undefined): string {
  return usd === null || usd === undefined ? '' : String(Math.round(usd * 1e9))
}

/**
 * What the API shows. `running` is the number of calls in flight and `open` of items in the window, read together with `meta`.
 * The counts add up to `total` by construction: waiting is what is left.
 */
export function toBatch(
  id: string,
  {
    meta,
    open,
    running,
    bytes,
    priced,
  }: { meta: BatchMeta; open: number; running: number; bytes: number | null; priced: boolean },
): Batch {
  const number = (field: string) => Number(meta[field] ?? 0)
  const seconds = (field: string) => (meta[field] ? Number(meta[field]) / 1000 : null)
  const status = meta['status'] as BatchStatus
  const total = number('total')
  const done = number('succeeded') + number('failed')
  const stopped = status === 'cancelling' || status === 'cancelled'
  // While a batch is cancelled only items that a worker holds are open: they end with their call's abort.
  const live = stopped ? open : running
  const rest = total - done - live
  return {
    id,
    object: 'batch',
    extractor: meta['label'] ?? '',
    lane: meta['lane'] ?? '',
    status,
    pause_reason: meta['pause_reason'] || null,
    counts: {
      total,
      waiting: stopped ? 0 : rest,
      running: live,
      succeeded: number('succeeded'),
      failed: number('failed'),
      cancelled: stopped ? rest : 0,
    },
    usage: {
      input_tokens: number('input_tokens'),
      output_tokens: number('output_tokens'),
      calls: number('calls'),
      repeated_calls: number('repeated_calls'),
      deduplicated: number('deduplicated'),
      cached: number('cached'),
    },
    cost_usd: priced ? number('cost_nano_usd') / 1e9 : null,
    eta_s: eta(status, rest + live, number('rate_p50'), number('rate_p10')),
    concurrency: meta['concurrency'] ? number('concurrency') : null,
    deadlines: JSON.parse(meta['deadlines'] ?? '{}') as Batch['deadlines'],
    max_cost_usd: meta['max_cost_nano_usd'] ? number('max_cost_nano_usd') / 1e9 : null,
    priority: number('priority'),
    stored_bytes: bytes,
    created_at: seconds('created_at') ?? 0,
    started_at: seconds('started_at'),
    finished_at: seconds('finished_at'),
    skipped: meta['skipped'] ? (JSON.parse(meta['skipped']) as Batch['skipped']) : null,
    metadata: JSON.parse(meta['metadata'] ?? '{}') as Record<string, unknown>,
  }
}

/** From the median and the slow tenth of the rates seen (items a second). */
function eta(status: BatchStatus, left: number, rateP50: number, rateP10: number): Batch['eta_s'] {
  if (status !== 'in_progress' || !(rateP10 > 0)) return null
  const seconds = (rate: number) => Math.round((left / rate) * 10) / 10
  return { p50: seconds(rateP50), p90: seconds(rateP10) }
}
