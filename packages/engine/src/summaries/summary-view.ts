import type { Batch } from '@sluice/contract/batch'
import type { Summary, SummaryChunk, SummaryStatus } from '@sluice/contract/summary'
import type { SummaryMeta } from './summary-store.ts'

/**
 * The summary as the API shows it. `batches`: those of the levels that have started, in order, without deleted ones.
 * Of the calls of later levels only one is known, the last.
 */
export function toSummary(
  id: string,
  meta: SummaryMeta & { readonly status: SummaryStatus },
  { batches, chunks, priced }: { batches: readonly Batch[]; chunks: readonly SummaryChunk[]; priced: boolean },
): Summary {
  const current = batches.at(-1)
  const paused = meta.status === 'in_progress' && current?.status === 'paused'
  const calls = batches.reduce(
    (sum, { counts }) => sum + counts.total,
    current !== undefined && current.counts.total > 1 ? 1 : 0,
  )
  const done = batches.reduce((sum, { counts }) => sum + counts.succeeded + counts.failed, 0)
  return {
    id,
    object: 'summary',
    lane: meta.recipe.lane,
    status: paused ? 'paused' : meta.status,
    pause_reason: paused ? current.pause_reason : null,
    error: meta.error,
    percent: meta.status === 'completed' ? 100 : Math.min(99, Math.floor((100 * done) / Math.max(1, calls))),
    levels: batches.map(({ id: batchId, counts, metadata }) => ({
      level: Number(metadata['level']),
      batch_id: batchId,
      counts,
    })),
    summary: meta.summary,
    chunks: [...chunks],
    usage: {
      input_tokens: sum('input_tokens'),
      output_tokens: sum('output_tokens'),
      calls: sum('calls'),
      repeated_calls: sum('repeated_calls'),
      deduplicated: sum('deduplicated'),
      cached: sum('cached'),
    },
    cost_usd: priced ? batches.reduce((total, { cost_usd: cost }) => total + (cost ?? 0), 0) : null,
    created_at: meta.createdAt / 1000,
    finished_at: meta.finishedAt === null ? null : meta.finishedAt / 1000,
    metadata: meta.metadata,
  }

  function sum(field: keyof Batch['usage']): number {
    return batches.reduce((total, { usage }) => total + usage[field], 0)
  }
}
