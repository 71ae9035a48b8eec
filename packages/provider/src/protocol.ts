import type { ExtractRequest, RawRequest } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import type { LimitSample, Outcome, ProviderResponse } from '@sluice/contract/outcome'
import type { SentForm } from './check-answer.ts'

/**
 * How to talk to one kind of provider API. Each folder of `protocols/` implements this interface, and `protocols.ts` lists them.
 * Request bodies, answers, error codes and headers of a provider are known in its folder only.
 */
export interface Protocol {
  /** Opens one lane's connections. Called once for each lane. */
  connect(lane: LaneConfig): Connection
}

interface Connection extends AsyncDisposable {
  /** Called once for each extractor: what does not depend on the text is built here. */
  prepare(extractor: Extractor): PreparedExtractor
  /** Sends a user's own request as it is: once, and as `PreparedExtractor.send` otherwise. */
  pass(request: RawRequest, options: { readonly signal: AbortSignal }): Promise<RawReply>
}

export interface PreparedExtractor extends SentForm {
  /**
   * Sends exactly one request and does not retry: the engine decides about retries. Keeps to the lane's `timeoutMs` and bounds the size
   * of the answer. Resolves for everything that a provider or a network may do; rejects only when `signal` aborts, or on a bug.
   */
  send(request: ExtractRequest, options: { readonly signal: AbortSignal }): Promise<Reply>
}

/** Outcomes that say nothing about the answer's content. */
type WithoutContent = Exclude<Outcome, { type: 'extracted' | 'responded' }>

/** What came back of one request. */
export interface Reply {
  /** `answered`: the model's text, not yet parsed. All others are final. */
  readonly result: { readonly type: 'answered'; readonly content: string } | WithoutContent
  /** Whole numbers from zero, also for a failed request that was paid for. */
  readonly tokens: { readonly input: number; readonly cachedInput: number; readonly output: number }
  /** The text of the answer as it came, for the user to look at; null when there was none. */
  readonly raw: string | null
  /** The limits that the response's headers report; null when they report none. */
  readonly limits: LimitSample | null
}

/** What came back of a user's own request. */
export interface RawReply extends Pick<Reply, 'tokens' | 'limits'> {
  /** `responded`: a status below 300, with JSON that reports no error. */
  readonly result: { readonly type: 'responded' } | WithoutContent
  /** Null: none came. */
  readonly response: ProviderResponse | null
}
