import type { Batch } from '@sluice/contract/batch'
import { durationRange } from '../format.ts'

/** What page and list call a batch: its name, or its id. */
export function titleOf(batch: Batch): string {
  return batch.name ?? batch.id
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
export function rateOf(_batch: Batch): number | null {
  return null
}

/** The time that is left, and what determines it; null when nothing is left or known. */
export function timeLeft(batch: Batch): { readonly time: string; readonly why: string | null } | null {
  if (isEnded(batch) || batch.status === 'paused') return null
  if (batch.eta_s === null) return batch.status === 'in_progress' ? { time: 'not known yet', why: null } : null
  return { time: durationRange(batch.eta_s), why: null }
}
