import type { TextRange } from '@sluice/contract/extract-function'
import type { Reask } from '@sluice/contract/outcome'
import type { Usage } from '@sluice/contract/usage'

/** One taking-up of an item by a worker: what must be said to act on it. */
export interface Run {
  readonly batchId: string
  readonly index: number
  /** Unique for each time the item was put in the window. */
  readonly feed: number
  /** Unique for each run; the last one taken wins. */
  readonly token: string
}

/** What an item has used of its budgets so far. Kept across workers until the item is done. */
export interface Tries {
  readonly calls: number
  /** Calls that ended in a time-out, a cut connection or a 5xx. */
  readonly unavailable: number
  /** Calls that ended in an error of ours. */
  readonly thrown?: number
  readonly usage: Usage
  readonly nanoUsd: number
  readonly reasks: readonly Reask[]
  /** Of a text that is longer than the context: where its parts are, and the answers to the first of them. */
  readonly parts?: { readonly ranges: readonly TextRange[]; readonly answers: readonly unknown[] }
}

export const noTries: Tries = {
  calls: 0,
  unavailable: 0,
  usage: { input_tokens: 0, output_tokens: 0 },
  nanoUsd: 0,
  reasks: [],
}

/** What one call cost. `paidCalls` is 0 or 1: a refused call is not paid. */
export interface Cost {
  readonly paidCalls: number
  readonly usage: Usage
  readonly cachedInputTokens: number
  readonly nanoUsd: number
}

/** `unsettled`: nobody knows how the item's last call ended, so it may have been paid. */
export type CallEnd = 'settled' | 'unsettled'

export const noCost: Cost = { paidCalls: 0, usage: noTries.usage, cachedInputTokens: 0, nanoUsd: 0 }
