import type { Reply } from '../../protocol.ts'
import { readRetryAfter } from '../../retry-after.ts'
import type { Refusal } from './refusal.ts'

type Failure = Exclude<Reply['result'], { type: 'answered' }>

const neverFits =
  /request too large|too large for|maximum context length|context[_ ]length|reduce the length|exceeds? the (model|maximum|limit)/i

/** Only about one text: messages about a flagged account must not match. */
const moderated =
  /moderation|\b(input|prompt|content|request|text|message)\b.{0,40}\bflagged|content management policy|content[ _]filter/i
const moderationCodes = new Set(['content_filter', 'content_policy_violation', 'moderation_blocked'])

/** Every row of OpenAI's error table, and what compatible servers were seen to send; the tests list them. */
export function classifyAnswer({ status, headers, code, kind, message, flagged }: Refusal): Failure {
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
    // Sent or cut off by a proxy: it is unknown whether the answer was paid for.
    return { type: 'unavailable', message: withStatus(status, message), retryAfterMs, timedOut: false, answered: false }
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
        message: withStatus(status, message),
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
        return {
          type: 'unavailable',
          message: withStatus(status, message),
          retryAfterMs,
          timedOut: false,
          answered: true,
        }
      }
      return { type: 'rejected', message: withStatus(status, message), status }
  }
}

/** Not about one text: all others would get the same response. */
function wrongUrl(status: number, message: string): Failure {
  return { type: 'wrong-url', message: `${withStatus(status, message)} Is the base URL right, with its /v1?` }
}

function withStatus(status: number, message: string): string {
  return `HTTP ${status}: ${message}`
}
