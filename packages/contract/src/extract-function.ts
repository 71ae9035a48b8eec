import type { Extractor } from './extractor.ts'
import type { Call, Reask } from './outcome.ts'

/** What one call to the model is made from. */
export interface ExtractRequest {
  readonly extractor: Extractor
  readonly text: string
  /** Earlier answers to this item that were not valid, oldest first. */
  readonly reasks: readonly Reask[]
}

/** The seam between engine and provider: one call, one outcome. Rejects only when `signal` aborts or on a bug. */
export type Extract = (request: ExtractRequest, options: { readonly signal: AbortSignal }) => Promise<Call>

/** Tokens to reserve for a call before it is made; the usage settles the difference. */
export type EstimateTokens = (request: ExtractRequest) => number
