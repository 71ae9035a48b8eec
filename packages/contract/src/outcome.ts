import type { Usage } from './usage.ts'

/**
 * What a call ended in. The provider classifies, because it sees status and headers; the engine decides what follows.
 * `usage` and `raw` are kept for every call that was paid for, whatever became of it.
 */
export type Outcome =
  | { readonly type: 'extracted'; readonly data: unknown }
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'truncated'; readonly message: string }
  /** The provider's content filter stopped the answer. */
  | { readonly type: 'filtered'; readonly message: string }
  /** Not JSON, or JSON that fails the schema. `errors`: one line each, path first, fit to show the model. */
  | { readonly type: 'invalid-output'; readonly errors: readonly string[] }
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

/** What the headers of an answer said of one limit; null where a header was missing or not usable. */
export interface ToldLimit {
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

/** All limits that the headers of one answer told. */
export type LimitSample = readonly ToldLimit[]

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
