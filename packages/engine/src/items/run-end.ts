import type { UnexpectedError } from './unexpected-error.ts'

/** How one run of an item ended. */
export type RunEnd =
  | { readonly type: 'succeeded' }
  | { readonly type: 'failed'; readonly message: string }
  /** This run no longer holds the item: it was recorded, fed again, paused, cancelled or deleted. */
  | { readonly type: 'dropped' }
  /** Run the item again after `delayMs`. The attempt counts and is stored in the ledger. */
  | { readonly type: 'retry'; readonly delayMs: number; readonly message: string }
  /** The same, after an error that no outcome describes. */
  | { readonly type: 'threw'; readonly delayMs: number; readonly error: UnexpectedError }
  /** The process stops: the job goes back to the queue. */
  | { readonly type: 'handed-back' }

/** Why a run is aborted: the reason of its signal. */
export type AbortReason = 'shutdown' | 'batch-cancelled' | 'lock-lost'
