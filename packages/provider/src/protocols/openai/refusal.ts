import { z } from 'zod'
import type { ResponseHeaders } from '../../http-pool.ts'

/** A response that is not a completion: the fields on which servers agree. */
export interface Refusal {
  /** The HTTP status; for an error in the body of a 200, the status that the body gives. */
  readonly status: number
  readonly headers: ResponseHeaders
  readonly code: string
  readonly kind: string
  readonly message: string
  /** The provider reports that its moderation rejected this text. */
  readonly flagged: boolean
}

/** In characters. The message is stored with each failed item. */
const longestMessage = 500

const text = z.string().catch('')
const errorObject = z.object({
  message: text,
  detail: text,
  code: z.union([z.string(), z.number().transform(String)]).catch(''),
  type: text,
  // OpenRouter: the findings of its moderation.
  metadata: z.object({ reasons: z.array(z.unknown()).catch([]) }).catch({ reasons: [] }),
  // Azure.
  innererror: z.object({ code: text }).catch({ code: '' }),
})

/** The status that belongs to an error type, for errors that come with status 200. */
const statusOfKind: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
}
const unknownFailure = 502

/** Reads `{ error: { ... } }`, `{ error: "..." }`, `{ message }` and `{ detail }`, each also in an array, or a page. Never quotes the body of a 2xx: it may hold an answer. */
export function readRefusal(status: number, headers: ResponseHeaders, body: unknown): Refusal {
  const whole: unknown = Array.isArray(body) ? body[0] : body
  const inner = errorIn(whole)
  const error = errorObject.safeParse(inner ?? whole).data
  const message = messageOf(inner ?? whole, error)
  const { code = '', type: kind = '' } = error ?? {}
  const refusal = {
    headers,
    code,
    kind,
    flagged: (error?.metadata.reasons.length ?? 0) > 0 || error?.innererror.code === 'ResponsibleAIPolicyViolation',
  }
  if (status >= 300) return { ...refusal, status, message }
  if (inner !== undefined) {
    const own = Number(code)
    const isStatus = Number.isInteger(own) && own >= 300 && own < 600
    return {
      ...refusal,
      status: isStatus ? own : (statusOfKind[kind] ?? statusOfKind[code] ?? unknownFailure),
      message,
    }
  }
  return { headers, code: '', kind: '', flagged: false, status, message: problemOf(body) }
}

/** The error of a body that has one. */
export function errorIn(body: unknown): unknown {
  const error: unknown = typeof body === 'object' && body !== null ? (body as { error?: unknown }).error : undefined
  return error === null || error === false || error === '' ? undefined : error
}

function messageOf(body: unknown, error: z.infer<typeof errorObject> | undefined): string {
  const message = typeof body === 'string' ? body.trim() : (error?.message ?? '') || (error?.detail ?? '')
  if (message === '') return 'The provider gave no reason.'
  if (isPage(message)) return 'The answer is an HTML page.'
  return message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message
}

function problemOf(body: unknown): string {
  if (typeof body !== 'string') return 'The answer is JSON, but not a chat completion.'
  if (body.trim() === '') return 'The answer is empty.'
  return isPage(body)
    ? 'The answer is an HTML page: is there a proxy before the provider?'
    : 'The answer is not JSON, or was cut off.'
}

function isPage(body: string): boolean {
  return /^\s*<(!doctype|html|head|\?xml)/i.test(body)
}
