import type { Call } from '@sluice/contract/outcome'

/** A place in the lane's limit, given for one call. */
export interface Reservation {
  readonly tokens: number
}

/**
 * The quota of one lane, shared by all workers through Redis. One instance per lane and process.
 * A reservation that is never settled (its worker died) costs its tokens once and nothing more.
 */
export interface Quota extends AsyncDisposable {
  /** Resolves at the instant the call may go; first come, first served in this process. Rejects only when `signal` aborts. */
  reserve(tokens: number, options: { readonly signal: AbortSignal }): Promise<Reservation>
  /** Gives back what the call did not use and takes in what its answer told of the limit. Never throws, never waits. */
  settle(reservation: Reservation, call: Call): void
  /** Gives the reservation back whole: the call was not made. */
  release(reservation: Reservation): void
}

/** A call that needs more tokens than the lane's limit ever holds: waiting is useless. */
export class QuotaTooLargeError extends Error {
  override readonly name = 'QuotaTooLargeError'
}
