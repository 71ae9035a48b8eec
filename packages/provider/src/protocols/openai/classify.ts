import type { Outcome } from '@sluice/contract/outcome'
import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai'
import { readRetryAfter } from './limits.ts'
import { largestAnswerMb } from './pool-fetch.ts'
import { readRefusal, type Refusal } from './refusal.ts'

/** What a failed request means, by status, code and text. Throws what is no answer of the provider's: a bug. */
export function classifyError(error: unknown): Outcome {
  if (error instanceof APIConnectionTimeoutError) {
    return {
      type: 'unavailable',
      message: 'The provider did not answer in time.',
      retryAfterMs: null,
      timedOut: true,
      answered: false,
    }
  }
  if (error instanceof APIConnectionError) return classifyConnection(error)
  if (!(error instanceof APIError) || error.status === undefined) throw error
  const { status, headers } = error as APIError<number, Headers>
  return classifyAnswer(readRefusal(status, headers, error.error))
}

const neverFits =
  /request too large|too large for|maximum context length|context[_ ]length|reduce the length|exceeds? the (model|maximum|limit)/i

/** Of one text: words about an account that was flagged are not meant. */
const moderated =
  /moderation|\b(input|prompt|content|request|text|message)\b.{0,40}\bflagged|content management policy|content[ _]filter/i
const moderationCodes = new Set(['content_filter', 'content_policy_violation', 'moderation_blocked'])

/** Table-tested: each row of the provider's manual, and what other servers were seen to say. */
export function classifyAnswer({ status, headers, code, kind, message, flagged }: Refusal): Outcome {
  const retryAfterMs = readRetryAfter(headers)
  if (
    code === 'insufficient_quota' ||
    kind === 'insufficient_quota' ||
    code === 'billing_hard_limit_reached' ||
    status === 402
  ) {
    return { type: 'out-of-funds', message }
  }
  if (
    code === 'context_length_exceeded' ||
    status === 413 ||
    ((status === 400 || status === 429) && neverFits.test(message))
  ) {
    return { type: 'too-large', message }
  }
  if (flagged || moderationCodes.has(code) || ((status === 400 || status === 403) && moderated.test(message))) {
    return { type: 'filtered', message }
  }
  if (status < 300) {
    // Made by something on the way, or cut off by it: nobody knows whether it was paid.
    return { type: 'unavailable', message: told(status, message), retryAfterMs, timedOut: false, answered: false }
  }
  if (status < 400 || status === 405) return wrongUrl(status, message)
  switch (status) {
    case 401:
    case 403:
      return { type: 'bad-credentials', message }
    case 404:
      if (code === 'model_not_found' || /model/i.test(message)) return { type: 'unknown-model', message }
      return wrongUrl(status, message)
    case 408:
    case 409:
      return {
        type: 'unavailable',
        message: told(status, message),
        retryAfterMs,
        timedOut: status === 408,
        answered: true,
      }
    case 429:
      return {
        type: 'rate-limited',
        message,
        retryAfterMs,
        scope: kind === 'requests' || kind === 'tokens' ? kind : null,
      }
    default:
      if (status >= 500) {
        return { type: 'unavailable', message: told(status, message), retryAfterMs, timedOut: false, answered: true }
      }
      return { type: 'rejected', message: told(status, message), status }
  }
}

/** Not about one text: the next one would be answered in the same way. */
function wrongUrl(status: number, message: string): Outcome {
  return { type: 'wrong-url', message: `${told(status, message)} Is the base URL right, with its /v1?` }
}

/** A refused connection was never sent; one that was cut may have been paid. */
function classifyConnection(error: APIConnectionError): Outcome {
  const codes = causes(error).map((cause) => (cause as { code?: unknown }).code)
  if (codes.includes('UND_ERR_RES_EXCEEDED_MAX_SIZE')) {
    return { type: 'truncated', message: `The answer is larger than ${largestAnswerMb} MB: set max_tokens.` }
  }
  const neverSent = [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'UND_ERR_CONNECT_TIMEOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
  ].find((code) => codes.includes(code))
  const detail = neverSent ?? codes.find((code) => typeof code === 'string') ?? error.message
  return {
    type: 'unavailable',
    message:
      neverSent === undefined
        ? `The connection to the provider broke (${detail}).`
        : `The provider cannot be reached (${detail}).`,
    retryAfterMs: null,
    timedOut: false,
    answered: neverSent !== undefined,
  }
}

function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let one = error; one instanceof Error && chain.length < 10; one = one.cause) {
    chain.push(one, ...(one instanceof AggregateError ? one.errors : []))
  }
  return chain
}

function told(status: number, message: string): string {
  return `HTTP ${status}: ${message}`
}
