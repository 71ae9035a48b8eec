import type { Outcome } from '@sluice/contract/outcome'
import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai'
import { readRetryAfter } from './limits.ts'

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
  return classifyAnswer({ status, headers, ...bodyOf(error) })
}

export interface Refusal {
  readonly status: number
  readonly headers: Headers
  readonly code: string
  readonly kind: string
  readonly message: string
}

const neverFits =
  /request too large|too large for|maximum context length|context[_ ]length|reduce the length|exceeds? the (model|maximum|limit)/i

/** Table-tested: each row of the provider's manual, and what other servers were seen to say. */
export function classifyAnswer({ status, headers, code, kind, message }: Refusal): Outcome {
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
  switch (status) {
    case 401:
    case 403:
      return { type: 'bad-credentials', message }
    case 404:
      if (code === 'model_not_found' || /model/i.test(message)) return { type: 'unknown-model', message }
      return { type: 'rejected', message: `${message} Is the base URL right, with its /v1?`, status }
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

/** A refused connection was never sent; one that was cut may have been paid. */
function classifyConnection(error: APIConnectionError): Outcome {
  const codes = causes(error).map((cause) => (cause as { code?: unknown }).code)
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

function bodyOf(error: APIError): Pick<Refusal, 'code' | 'kind' | 'message'> {
  const body: { message?: unknown } | undefined = error.error
  return {
    code: error.code ?? '',
    kind: error.type ?? '',
    message: typeof body?.message === 'string' ? body.message : error.message,
  }
}

function told(status: number, message: string): string {
  return `HTTP ${status}: ${message}`
}
