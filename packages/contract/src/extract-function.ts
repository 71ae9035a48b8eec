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

/** Tokens of a request, counted before it is sent; `mostOutput` is null where the answer has no limit. */
export interface TokenEstimate {
  readonly input: number
  readonly mostOutput: number | null
}
export type EstimateTokens = (request: ExtractRequest) => TokenEstimate
