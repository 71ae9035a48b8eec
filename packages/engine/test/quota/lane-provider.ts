import type { LimitSample } from '@sluice/contract/outcome'

/** What a provider answers instead of a result: come again. */
interface Refusal {
  readonly limits: LimitSample | null
  readonly retryAfterMs: number | null
  readonly scope: 'requests' | 'tokens' | null
}

/** A provider in virtual time, as a lane's calls see it. Tokens are those that we count. */
export interface LaneProvider {
  /** Null: the call is admitted. */
  arrive(tokens: number, nowMs: number): Refusal | null
  /** A call that was admitted has been answered. */
  finish(tokens: number, nowMs: number): void
  /** What it writes to an answer. */
  headers(nowMs: number): LimitSample | null
  readonly writtenAt: 'admission' | 'answer'
}
