import type { Extractor } from './extractor.ts'
import type { Call, Reask } from './outcome.ts'

/** What one call to the model is made from. */
export interface ExtractRequest {
  readonly extractor: Extractor
  readonly text: string
  /** Earlier answers to this item that were not valid, oldest first. */
  readonly reasks: readonly Reask[]
  /** Which part of a longer text the text is; `index` counts from 0. */
  readonly part?: { readonly index: number; readonly count: number }
}

/** A stretch of a text, in UTF-16 units. */
export interface TextRange {
  readonly start: number
  readonly end: number
}

/** What is done with texts that are longer than the lane's context. */
export interface LongTexts {
  /** The parts to ask one by one, in their order; null where the text is asked whole. */
  cut(extractor: Extractor, text: string): Promise<readonly TextRange[] | null>
  /** One answer out of those to all parts; `sources`: by JSON pointer, the part that each value came from. */
  join(
    extractor: Extractor,
    answers: readonly unknown[],
  ):
    | { readonly valid: true; readonly data: unknown; readonly sources: Readonly<Record<string, number>> }
    | { readonly valid: false; readonly errors: readonly string[] }
}

/** The seam between engine and provider: one call, one outcome. Rejects only when `signal` aborts or on a bug. */
export type Extract = (request: ExtractRequest, options: { readonly signal: AbortSignal }) => Promise<Call>

/** Tokens of a request, counted before it is sent; `mostOutput` is null where the answer has no limit. */
export interface TokenEstimate {
  readonly input: number
  readonly mostOutput: number | null
}
export type EstimateTokens = (request: ExtractRequest) => TokenEstimate
