import type { Usage } from './usage.ts'

/**
 * The result of a call. The provider classifies it, because it sees status and headers; the engine decides what to do.
 * `usage` and `raw` are kept for every paid call, whatever its outcome.
 */
export type Outcome =
  /** `repaired`: the answer was not plain JSON, as in prose or with trailing commas. */
  | { readonly type: 'extracted'; readonly data: unknown; readonly repaired?: true }
  /** To a raw request: the provider's response, which is not judged further. It is in `Call.response`. */
  | { readonly type: 'responded' }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'truncated'; readonly message: string }
  /** The provider's content filter stopped the answer. */
  | { readonly type: 'filtered'; readonly message: string }
  /** Not JSON, or JSON that fails the schema. `errors`: one line each, path first, written to be sent to the model. */
  | { readonly type: 'invalid-output'; readonly errors: readonly string[] }
  /** The extractor's own code failed on the answer. Another answer would cost money and change nothing. */
  | { readonly type: 'broken-check'; readonly message: string }
  /** The rate limit was reached: wait. The item is not the cause. `scope`: the limit that was reached, if the provider reports it. */
  | {
      readonly type: 'rate-limited'
      readonly message: string
      readonly retryAfterMs: number | null
      readonly scope: 'requests' | 'tokens' | null
    }
  /** The provider could not answer now: 408, 409, 5xx, an unreadable 2xx, a broken connection, a time-out. May be retried. */
  | {
      readonly type: 'unavailable'
      readonly message: string
      readonly retryAfterMs: number | null
      readonly timedOut: boolean
      /** True: the request was never sent, or was answered with an error, so it was not paid. False: broken or timed out, so unknown. */
      readonly answered: boolean
    }
  /** The provider will never take this request: other 4xx. */
  | { readonly type: 'rejected'; readonly message: string; readonly status: number }
  /** The request is larger than the model or the limit will ever take. */
  | { readonly type: 'too-large'; readonly message: string }
  /** No call on this lane can succeed until an operator acts. */
  | { readonly type: 'out-of-funds' | 'bad-credentials' | 'unknown-model' | 'wrong-url'; readonly message: string }

/** What the headers of an answer report about one limit; null where a header is missing or unusable. */
export interface ReportedLimit {
  /** Distinguishes the limits of one provider, such as `requests`, `tokens-day` or `input-tokens`. */
  readonly name: string
  readonly unit: 'requests' | 'tokens'
  readonly limit: number | null
  readonly remaining: number | null
  /** Until the limit is whole again. */
  readonly resetMs: number | null
  /** `resetMs` is exact up to this: many providers round to seconds. */
  readonly resetStepMs: number
  /** The period that the limit is for, where the provider says so. */
  readonly periodMs: number | null
}

/** All limits that the headers of one answer reported. */
export type LimitSample = readonly ReportedLimit[]

/** One call to the provider. */
export interface Call {
  readonly outcome: Outcome
  readonly usage: Usage
  /** Input tokens the provider served from its cache, part of `usage.input_tokens`. */
  readonly cachedInputTokens: number
  /** The answer's text, unchanged; null without an answer. */
  readonly raw: string | null
  /** To a raw request: the response, where one came, also one that reports an error. */
  readonly response?: ProviderResponse
  readonly limits: LimitSample | null
  readonly latencyMs: number
}

/** A response of the provider, unchanged. */
export interface ProviderResponse {
  readonly status: number
  /** The provider's id of the request; empty where it gives none. */
  readonly requestId: string
  /** JSON on one line: line breaks between its values are left out. A body that is not JSON is the message of an error object. */
  readonly body: string
}

/** An invalid answer and its errors, sent to the model when it is asked again. */
export interface Reask {
  readonly raw: string
  readonly errors: readonly string[]
}

/** Whether the call was paid; 'unknown' if the connection broke before the answer. */
export function paid(call: Call): 'yes' | 'no' | 'unknown' {
  switch (call.outcome.type) {
    case 'extracted':
    case 'responded':
    case 'refused':
    case 'truncated':
    case 'invalid-output':
    case 'broken-check':
      return 'yes'
    case 'filtered':
      // The filter rejected either the text (not paid) or the generated answer (paid).
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
