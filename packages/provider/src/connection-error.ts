import type { Outcome } from '@sluice/contract/outcome'
import { ConnectionFailed, largestAnswerMb, RequestTimedOut } from './http-pool.ts'

/** Error codes of a request that was not sent, so that it cannot have been paid for. */
const neverSentCodes = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]

/** What a request without a response means for the item, by the codes of the error's causes. Throws any other error: a bug. */
export function classifyConnectionError(error: unknown): Outcome & { type: 'truncated' | 'unavailable' } {
  if (error instanceof RequestTimedOut) return timedOut
  if (!(error instanceof ConnectionFailed)) throw error
  const codes = causes(error.cause).map((cause) => (cause as { code?: unknown }).code)
  if (codes.includes('UND_ERR_RES_EXCEEDED_MAX_SIZE')) {
    return { type: 'truncated', message: `The answer is larger than ${largestAnswerMb} MB: set max_tokens.` }
  }
  const neverSent = neverSentCodes.find((code) => codes.includes(code))
  const detail = neverSent ?? codes.find((code): code is string => typeof code === 'string') ?? error.message
  return {
    type: 'unavailable',
    message:
      neverSent === undefined
        ? `The connection to the provider broke (${detail}).`
        : `The provider cannot be reached (${detail}).`,
    retryAfterMs: null,
    timedOut: false,
    // A connection that broke later may have been paid for.
    answered: neverSent !== undefined,
  }
}

const timedOut: Outcome & { type: 'unavailable' } = {
  type: 'unavailable',
  message: 'The provider did not answer in time.',
  retryAfterMs: null,
  timedOut: true,
  answered: false,
}

/** The error, its causes and the errors that they group; 10 levels are more than any library nests. */
function causes(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let one = error; one instanceof Error && chain.length < 10; one = one.cause) {
    chain.push(one, ...(one instanceof AggregateError ? one.errors : []))
  }
  return chain
}
