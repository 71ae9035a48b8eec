import type { Attempt } from '@sluice/contract/batch-item'
import type { TextRange } from '@sluice/contract/extract-function'
import type { Reask } from '@sluice/contract/outcome'
import type { Usage } from '@sluice/contract/usage'

/** One worker's attempt at an item. Every ledger write must present it. */
export interface Run {
  readonly batchId: string
  readonly index: number
  /** The feed number: unique for each time the item was fed. */
  readonly feed: number
  /** Unique for each run. The last run that took the item holds it. */
  readonly token: string
  /** Id of the run's last call, unique in the batch: its cost is counted once. Until the run has made a call, the token takes its place. */
  readonly call?: string
}

/** What an item has used of its budgets so far. Stored until the item is done, so that another worker continues from it. */
export interface Tries {
  readonly calls: number
  /** Calls that ended in a time-out, a cut connection or a 5xx. */
  readonly unavailable: number
  /** Calls that ended in an error that no outcome describes. */
  readonly thrown?: number
  readonly usage: Usage
  readonly nanoUsd: number
  readonly reasks: readonly Reask[]
  /** Its calls (ledger/attempts.ts). */
  readonly attempts?: readonly Attempt[]
  /** `max_tokens` of the next call, after an answer was cut off at a smaller one; null: a larger one is too expensive. */
  readonly maxTokens?: number | null
  /** How often the text was split because an answer was cut off, since a part last had an answer. */
  readonly splits?: number
  /** The answer to an earlier part was not plain JSON. */
  readonly repaired?: true
  /** For a text that is longer than the lane's context: the ranges of its parts, and the answers to the first of them. */
  readonly parts?: { readonly ranges: readonly TextRange[]; readonly answers: readonly unknown[] }
}

export const noTries: Tries = {
  calls: 0,
  unavailable: 0,
  usage: { input_tokens: 0, output_tokens: 0 },
  nanoUsd: 0,
  reasks: [],
}

/** What one call cost. `paidCalls` is 0 or 1: a call that the provider rejects is not paid. */
export interface Cost {
  readonly paidCalls: number
  readonly usage: Usage
  readonly cachedInputTokens: number
  readonly nanoUsd: number
}

/** `unsettled`: how the item's last call ended is not known, so it may have been paid. */
export type CallEnd = 'settled' | 'unsettled'

export const noCost: Cost = { paidCalls: 0, usage: noTries.usage, cachedInputTokens: 0, nanoUsd: 0 }
