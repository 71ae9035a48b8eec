import type { Extractor } from './extractor.ts'
import type { Call, Reask } from './outcome.ts'
import type { RequestEndpoint } from './request-task.ts'

/** Input of one call to the provider. */
export type CallRequest = ExtractRequest | RawRequest

/** A text and what to extract from it. */
export interface ExtractRequest {
  readonly task?: 'extraction'
  readonly extractor: Extractor
  readonly text: string
  /** Earlier invalid answers to this item, oldest first. */
  readonly reasks: readonly Reask[]
  /** The position of this part in a longer text; `index` counts from 0. */
  readonly part?: { readonly index: number; readonly count: number }
}

/** A request that its user wrote for OpenAI's API. */
export interface RawRequest {
  readonly task: 'request'
  readonly endpoint: RequestEndpoint
  /** JSON; sent byte for byte. */
  readonly body: string
  /** The model that the body names; undefined: none. */
  readonly model: string | undefined
}

/** The model that a request names; undefined: that of its lane. */
export function modelOf(request: CallRequest): string | undefined {
  return request.task === 'request' ? request.model : request.extractor.parameters.model
}

/** A range of a text, in UTF-16 code units. */
export interface TextRange {
  readonly start: number
  readonly end: number
}

/** How texts that are longer than the lane's context are processed. */
export interface LongTexts {
  /** The parts to send one by one, in order; null if the text is sent whole. */
  cut(extractor: Extractor, text: string): Promise<readonly TextRange[] | null>
  /** Merges the answers of all parts. `sources`: for each JSON pointer, the part that its value came from. */
  join(
    extractor: Extractor,
    answers: readonly unknown[],
  ):
    | { readonly valid: true; readonly data: unknown; readonly sources: Readonly<Record<string, number>> }
    | { readonly valid: false; readonly errors: readonly string[] }
  /** Without it, an answer that was cut off is final. */
  afterTruncation?(request: ExtractRequest): Promise<AfterTruncation>
}

/** What another call for a text may change whose answer was cut off. */
export interface AfterTruncation {
  /** A larger `max_tokens` that the lane allows; null: there is none. */
  readonly maxTokens: number | null
  /** The ranges in the text of the request to send one by one; null: it is too short to split. */
  readonly parts: readonly TextRange[] | null
}

/** The interface between engine and provider: one call, one outcome. Rejects only when `signal` aborts or on a bug. */
export type Extract = (request: CallRequest, options: ExtractOptions) => Promise<Call>

export interface ExtractOptions {
  readonly signal: AbortSignal
  /**
   * Makes the call and reads its answer in another process: earlier runs of this item were lost with theirs. Rejects with a ProcessEndedError
   * when that process ends.
   */
  readonly isIsolated?: boolean
}

/** The process that made a call and read its answer ended before it had an outcome. The message quotes neither. */
export class ProcessEndedError extends Error {
  override readonly name = 'ProcessEndedError'
}

/** Tokens of a request, counted before it is sent; `mostOutput` is null if the answer has no limit. */
export interface TokenEstimate {
  readonly input: number
  readonly mostOutput: number | null
}
export type EstimateTokens = (request: CallRequest) => TokenEstimate
