import { isReply } from '../redis/refusal.ts'

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

/**
 * An error that no outcome describes. It is logged, so it names the error's class and place only: the original message may quote a
 * text or an answer.
 */
export class UnexpectedError extends Error {
  override readonly name = 'UnexpectedError'
  constructor(cause: unknown) {
    super(`A call ended in an error of the service: ${describe(cause)}.`)
  }
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return `a ${typeof cause} was thrown`
  // A message of Redis says what is wrong with a command, and never contains its values.
  if (isReply(cause)) return cause.message
  const place = cause.stack?.split('\n').find((line) => /^\s+at /.test(line))
  return place === undefined ? cause.name : `${cause.name} ${place.trim()}`
}
