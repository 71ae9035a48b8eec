import type { Batch } from '@sluice/contract/batch'
import { durationRange } from '../format.ts'

/** What page and list call a batch: its name, or its id. */
export function titleOf(batch: Batch): string {
  if (batch.name !== null) return batch.name
  const { level } = batch.metadata
  return batch.extractor === 'summary' && typeof level === 'number' ? `Summary, level ${level}` : batch.id
}

export function isEnded({ status }: Batch): boolean {
  return status === 'completed' || status === 'cancelled'
}

export function endedWithFailures(batch: Batch): boolean {
  return isEnded(batch) && batch.counts.failed > 0
}

export function whyPaused({ pause_reason: reason, max_cost_usd: cap }: Batch): string {
  if (reason === null || reason === 'user') return 'by a person'
  if (reason === 'max_cost_usd') return `its cost reached the cap${cap === null ? '' : ` of $${cap}`}`
  return reason
}

/** Items per second now; null when nothing runs. */
export function rateOf({ rate }: Batch): number | null {
  return rate === null ? null : rate.items_per_s
}

const limitWords: Readonly<Record<NonNullable<Batch['binding']>['by'], string>> = {
  requests: 'limited by requests',
  tokens: 'limited by tokens',
  concurrency: 'limited by calls at once',
  hold: 'the provider asked to wait',
  workers: 'no worker',
  batch_concurrency: 'limited by its concurrency',
  cost_cap: 'limited by its cost cap',
}

/** The time that is left, what determines it in a few words and in full; null when nothing is left. */
export function timeLeft(
  batch: Batch,
): { readonly time: string; readonly why: string | null; readonly reason: string | null } | null {
  if (isEnded(batch) || batch.status === 'paused' || batch.status === 'uploading') return null
  const { binding, eta_s: eta } = batch
  return {
    time: eta === null ? 'not known yet' : durationRange(eta),
    why: binding === null ? null : limitWords[binding.by],
    reason: binding?.reason ?? null,
  }
}
