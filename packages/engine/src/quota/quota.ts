import type { Call } from '@sluice/contract/outcome'
import type { Amounts, ExchangeReply } from './exchange.ts'

/** What one call takes of the quota. Providers limit each model separately. */
export interface CallNeed {
  readonly model: string
  /** As counted here; what the provider charges for them is learned. */
  readonly tokens: number
}

/** Where the lane was when it granted a call. */
export interface Mark extends Amounts {
  readonly settled: Amounts
  readonly limits: ExchangeReply['limits']
}

/** A place in the quota, given for one call. */
export interface Reservation extends CallNeed {
  /** When the call went, by the process's clock. */
  readonly goneAtMs: number
  /** How much the lane had granted, this call included; null: it went without a grant, because no limit is known. */
  readonly mark: Mark | null
}

/**
 * The quota of one lane, shared by all workers through Redis. One instance per lane and process.
 * A reservation that is never settled (its worker died) costs its tokens once and nothing more.
 */
export interface Quota extends AsyncDisposable {
  /**
   * Resolves when the call may go; first come, first served in this process. Rejects when `signal` aborts, or with QuotaTooLargeError when
   * a limit is less than what the call needs. While Redis is away it waits.
   */
  reserve(need: CallNeed, options: { readonly signal: AbortSignal }): Promise<Reservation>
  /** Reports how the call ended and what its answer said of limits. Null: it was cut off, and may have been charged. Never throws, never waits. */
  settle(reservation: Reservation, call: Call | null): void
  /** Gives the reservation back whole: the call was not made. */
  release(reservation: Reservation): void
}

/** A call that needs more tokens than a limit ever holds: waiting is useless. */
export class QuotaTooLargeError extends Error {
  override readonly name = 'QuotaTooLargeError'
}
