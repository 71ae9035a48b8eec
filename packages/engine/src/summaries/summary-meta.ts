import type { BatchOptions } from '@sluice/contract/batch'
import type { FailureType } from '@sluice/contract/result'
import type { SummaryRecipe } from '../engine.ts'

/** `staging`: its text is being stored; nobody sees it. The batch of its level tells whether it is paused. */
export type StoredStatus = 'staging' | 'in_progress' | 'completed' | 'failed' | 'cancelled'

/** A summary as it is stored: where it stands, and what its steps need. Texts and partial summaries are in the batches of its levels. */
export interface SummaryMeta {
  readonly status: StoredStatus
  /** The level whose batch is at work, or was last. */
  readonly level: number
  /** Counts the times its failed calls were sent back to work: each has a job of its own. */
  readonly round: string
  readonly recipe: SummaryRecipe
  readonly options: BatchOptions
  readonly reduceTokens: number
  readonly chunks: number
  readonly summary: string | null
  readonly error: { readonly type: FailureType; readonly message: string } | null
  /** Unix ms. */
  readonly createdAt: number
  readonly finishedAt: number | null
  /** The caller's. */
  readonly metadata: Record<string, unknown>
}

export type SummaryFields = Partial<Record<keyof SummaryMeta, string>>

export function parseSummaryMeta(fields: SummaryFields): SummaryMeta | null {
  if (fields.status === undefined) return null
  const json = (text: string | undefined): unknown => (text ? JSON.parse(text) : null)
  return {
    status: fields.status as StoredStatus,
    level: Number(fields.level),
    round: fields.round ?? '1',
    recipe: json(fields.recipe) as SummaryRecipe,
    options: json(fields.options) as BatchOptions,
    reduceTokens: Number(fields.reduceTokens),
    chunks: Number(fields.chunks),
    summary: fields.summary ?? null,
    error: json(fields.error) as SummaryMeta['error'],
    createdAt: Number(fields.createdAt),
    finishedAt: fields.finishedAt ? Number(fields.finishedAt) : null,
    metadata: (json(fields.metadata) ?? {}) as Record<string, unknown>,
  }
}
