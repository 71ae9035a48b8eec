import type { AfterTruncation } from '@sluice/contract/extract-function'
import type { Call, Outcome } from '@sluice/contract/outcome'
import type { FailureType } from '@sluice/contract/result'
import { addUsage } from '@sluice/contract/usage'
import type { Tries } from '../ledger/run.ts'
import { splitPart } from './long-text.ts'

/** What follows from a call for data. Nothing but this file decides whether an item is retried. */
export type Decision =
  | { readonly type: 'succeed'; readonly data: unknown; readonly repaired: boolean }
  | Failure
  /** Ask again at once: showing the model its errors, with room for a longer answer, or for a part of the text. */
  | { readonly type: 'ask-again'; readonly tries: Tries }
  | Later

interface Failure {
  readonly type: 'fail'
  readonly error: { readonly type: FailureType; readonly message: string }
}

/** The same request is sent again, later. */
export type Later =
  /** A rate limit was reached: reserve again. Costs the item no attempt. */
  | { readonly type: 'wait'; readonly tries: Tries }
  /** Give the slot to another item and run again after `delayMs`. */
  | { readonly type: 'retry'; readonly tries: Tries; readonly delayMs: number; readonly message: string }
  /** Nothing on this lane can succeed: pause it. Costs the item no attempt. */
  | { readonly type: 'pause-lane'; readonly tries: Tries; readonly reason: string }

export interface RetryPolicy {
  /** Calls that may end without an answer before the item fails. */
  readonly unavailable: number
  readonly baseMs: number
  readonly capMs: number
}

/**
 * `tries` is what the item had used before this call; the decision carries what it has used after it.
 * `random`, in [0, 1), gives the jitter.
 */
export function decide(
  call: Call,
  tries: Tries,
  policy: RetryPolicy & { reasks: number; afterTruncation?: AfterTruncation | undefined },
  random: () => number = Math.random,
): Decision {
  const { outcome } = call
  const used = withCall(tries, call)
  switch (outcome.type) {
    case 'extracted':
      return { type: 'succeed', data: outcome.data, repaired: outcome.repaired === true }
    case 'truncated': {
      // The same request would be cut off again, and paid again.
      const next = policy.afterTruncation === undefined ? null : longerAnswer(used, policy.afterTruncation)
      return next === null ? fail('truncated', outcome.message) : { type: 'ask-again', tries: next }
    }
    case 'refused':
    case 'filtered':
    case 'rejected':
      return fail(outcome.type, outcome.message)
    case 'too-large':
      return fail('too_large', outcome.message)
    case 'broken-check':
      return fail('internal_error', outcome.message)
    case 'invalid-output': {
      const last = used.reasks.at(-1)
      const same = last !== undefined && last.errors.join('\n') === outcome.errors.join('\n')
      // The same errors twice: the model will not correct them, and every further call is paid.
      if (same || used.reasks.length >= policy.reasks) {
        return fail('invalid_output', outcome.errors.join('\n'))
      }
      return {
        type: 'ask-again',
        tries: { ...used, reasks: [...used.reasks, { raw: call.raw ?? '', errors: outcome.errors }] },
      }
    }
    case 'responded':
      throw new Error('A request for data got the response to a raw request.')
    case 'rate-limited':
    case 'unavailable':
    case 'out-of-funds':
    case 'bad-credentials':
    case 'unknown-model':
    case 'wrong-url':
      return decideWithoutAnswer(outcome, used, tries, policy, random)
    default:
      return outcome satisfies never
  }
}

/** Outcomes of calls for which the provider did no work. What follows is the same for every task. */
type WithoutAnswer = Extract<
  Outcome,
  { type: 'rate-limited' | 'unavailable' | 'out-of-funds' | 'bad-credentials' | 'unknown-model' | 'wrong-url' }
>

/** `used`: `tries` and this call. */
function decideWithoutAnswer(
  outcome: WithoutAnswer,
  used: Tries,
  tries: Tries,
  policy: RetryPolicy,
  random: () => number,
): Failure | Later {
  switch (outcome.type) {
    case 'rate-limited':
      return { type: 'wait', tries }
    case 'unavailable': {
      const unavailable = used.unavailable + 1
      if (unavailable >= policy.unavailable)
        return fail(outcome.timedOut ? 'timed_out' : 'unavailable', outcome.message)
      const delayMs =
        outcome.retryAfterMs === null
          ? backoffMs(unavailable, policy, random)
          : Math.min(policy.capMs, outcome.retryAfterMs)
      return { type: 'retry', tries: { ...used, unavailable }, delayMs, message: outcome.message }
    }
    case 'out-of-funds':
    case 'bad-credentials':
    case 'unknown-model':
    case 'wrong-url':
      return { type: 'pause-lane', tries, reason: `${outcome.type.replaceAll('-', '_')}: ${outcome.message}` }
    default:
      return outcome satisfies never
  }
}

/**
 * What follows from a call for a raw request that got no success. An error that the same request would get again is final; so is the
 * last one of those that may pass.
 */
export function decideRequest(
  call: Call,
  tries: Tries,
  policy: RetryPolicy,
  random: () => number = Math.random,
): Failure | Later {
  const { outcome } = call
  switch (outcome.type) {
    case 'rejected':
    case 'filtered':
    case 'truncated':
    case 'refused':
      return fail(outcome.type, outcome.message)
    // The body names the model, and its batch the endpoint: other items of the lane name others, so the lane goes on.
    case 'unknown-model':
    case 'wrong-url':
      return fail('rejected', outcome.message)
    case 'too-large':
      return fail('too_large', outcome.message)
    case 'extracted':
    case 'invalid-output':
    case 'broken-check':
    case 'responded':
      throw new Error(`A raw request had the outcome '${outcome.type}' without a response.`)
    case 'rate-limited':
    case 'unavailable':
    case 'out-of-funds':
    case 'bad-credentials':
      return decideWithoutAnswer(outcome, withCall(tries, call), tries, policy, random)
    default:
      return outcome satisfies never
  }
}

/** Splits of one text without an answer to any part: by then an eighth of it has too long an answer, and the model does not stop. */
const mostSplits = 3

/** Once with the largest `max_tokens`, then in smaller parts. Null: neither is possible. */
export function longerAnswer(tries: Tries, { maxTokens, parts }: AfterTruncation): Tries | null {
  if (tries.maxTokens === undefined && maxTokens !== null) return { ...tries, maxTokens }
  const splits = (tries.splits ?? 0) + 1
  return parts === null || splits > mostSplits ? null : { ...splitPart(tries, parts), splits }
}

/** What an item has used, including this call. */
export function withCall(tries: Tries, call: Call): Tries {
  return {
    ...tries,
    calls: tries.calls + 1,
    usage: addUsage(tries.usage, call.usage),
  }
}

function fail(type: FailureType, message: string): Failure {
  return { type: 'fail', error: { type, message } }
}

/** Capped exponential with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): uniform in [0, min(cap, base * 2^(n-1))). */
export function backoffMs(
  attempt: number,
  policy: Pick<RetryPolicy, 'baseMs' | 'capMs'>,
  random: () => number,
): number {
  return Math.round(random() * Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1)))
}
