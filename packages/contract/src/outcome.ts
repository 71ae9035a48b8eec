import type { Usage } from './usage.ts'

/**
 * What a call ended in. The provider classifies, because it sees status and headers; the engine decides what follows.
 * `usage` and `raw` are kept for every call that was paid for, whatever became of it.
 */
export type Outcome =
  /** `repaired`: the answer was not plain JSON, as in prose or with trailing commas. */
  | { readonly type: 'extracted'; readonly data: unknown; readonly repaired?: true }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'truncated'; readonly message: string }
  /** The provider's content filter stopped the answer. */
  | { readonly type: 'filtered'; readonly message: string }
  /** Not JSON, or JSON that fails the schema. `errors`: one line each, path first, fit to show the model. */
  | { readonly type: 'invalid-output'; readonly errors: readonly string[] }
  /** The extractor's own code failed on the answer. Another answer would cost money and change nothing. */
  | { readonly type: 'broken-check'; readonly message: string }
  /** Wait: the limit was reached. Not the item's fault. `scope` tells which bucket refused, where the provider says. */
  | {
      readonly type: 'rate-limited'
      readonly message: string
      readonly retryAfterMs: number | null
      readonly scope: 'requests' | 'tokens' | null
    }
  /** The provider could not answer now: 408, 409, 5xx, a 2xx that cannot be read, connection cut, time-out. May be tried again. */
  | {
      readonly type: 'unavailable'
      readonly message: string
      readonly retryAfterMs: number | null
      readonly timedOut: boolean
      /** The request never left, or the provider answered with an error: not paid. False: cut or timed out, nobody knows. */
      readonly answered: boolean
    }
  /** The provider will never take this request: other 4xx. */
  | { readonly type: 'rejected'; readonly message: string; readonly status: number }
  /** The request is larger than the model or the limit will ever take. */
  | { readonly type: 'too-large'; readonly message: string }
  /** Nothing on this lane can succeed until someone acts. */
  | { readonly type: 'out-of-funds' | 'bad-credentials' | 'unknown-model' | 'wrong-url'; readonly message: string }

export type OutcomeType = Outcome['type']

/** What the provider's headers said of the limit; null where a header was missing or not usable. */
export interface LimitSample {
  readonly limitRequests: number | null
  readonly remainingRequests: number | null
  readonly resetRequestsMs: number | null
  readonly limitTokens: number | null
  readonly remainingTokens: number | null
  readonly resetTokensMs: number | null
}

/** One call to the provider and all that is known of it. */
export interface Call {
  readonly outcome: Outcome
  readonly usage: Usage
  /** Input tokens the provider served from its cache, part of `usage.input_tokens`. */
  readonly cachedInputTokens: number
  /** The answer's text as it came; null when there was none. */
  readonly raw: string | null
  readonly limits: LimitSample | null
  readonly latencyMs: number
}

/** A message of the conversation with the model; a re-ask carries the last answer and the errors. */
export interface Reask {
  readonly raw: string
  readonly errors: readonly string[]
}

/** Whether the provider answered, and so was paid, as far as can be told; 'unknown' when the connection broke under way. */
export function paid(call: Call): 'yes' | 'no' | 'unknown' {
  switch (call.outcome.type) {
    case 'extracted':
    case 'refused':
    case 'truncated':
    case 'invalid-output':
    case 'broken-check':
      return 'yes'
    case 'filtered':
      // The text was refused, or the answer that was made of it.
      return call.usage.input_tokens + call.usage.output_tokens > 0 ? 'yes' : 'no'
    case 'unavailable':
      return call.outcome.answered ? 'no' : 'unknown'
    case 'rate-limited':
    case 'rejected':
    case 'too-large':
    case 'out-of-funds':
    case 'bad-credentials':
    case 'unknown-model':
    case 'wrong-url':
      return 'no'
    default:
      return call.outcome satisfies never
  }
}
