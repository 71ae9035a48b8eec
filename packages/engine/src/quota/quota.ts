import type { Call } from '@sluice/contract/outcome'
import type { Grant } from './exchange.ts'

/** A place in the lane's limit, given for one call. */
export interface Reservation {
  readonly tokens: number
  /** When the call went, by `performance.now()`. */
  readonly goneAtMs: number
  /** What the quota expects the answer to say; null: nothing. */
  readonly expected: (Pick<Grant, 'requests' | 'tokens'> & { readonly epoch: number }) | null
}

/**
 * The quota of one lane, shared by all workers through Redis. One instance per lane and process.
 * A reservation that is never settled (its worker died) costs its tokens once and nothing more.
 */
export interface Quota extends AsyncDisposable {
  /**
   * Resolves at the instant the call may go; first come, first served in this process. Rejects when `signal` aborts, or with
   * QuotaTooLargeError when a limit of the lane is less than `tokens`. While Redis is away it waits.
   */
  reserve(tokens: number, options: { readonly signal: AbortSignal }): Promise<Reservation>
  /**
   * Gives back what the call did not use and takes in what its answer told of the limit. Null: it was cut off, and nobody knows what it
   * used, so all of it stays spent. Never throws, never waits.
   */
  settle(reservation: Reservation, call: Call | null): void
  /** Gives the reservation back whole: the call was not made. */
  release(reservation: Reservation): void
}

/** A call that needs more tokens than the lane's limit ever holds: waiting is useless. */
export class QuotaTooLargeError extends Error {
  override readonly name = 'QuotaTooLargeError'
}
