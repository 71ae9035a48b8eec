import { errorBody, type ErrorType } from '@sluice/contract/error'
import type { z } from 'zod'
import { backOffMs, sleep } from './back-off.ts'
import { type ApiError, ConnectionError, isPassing, ServerError, toApiError } from './errors.ts'

export interface ClientOptions {
  /** Such as `http://127.0.0.1:3000`. A path after the host is kept. */
  readonly baseUrl: string
  readonly apiKey?: string | undefined
  /** Replaces the runtime's `fetch`. */
  readonly fetch?: typeof globalThis.fetch
  /** How often a request that may be repeated is retried, with growing pauses. Default: 5, within about 3 s. */
  readonly retries?: number
  /** How long a broken stream tries to reconnect. Default: 120,000. */
  readonly patienceMs?: number
}

interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: string | FormData
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /** `safe`: the request is idempotent, so it is repeated if it may not have arrived. */
  readonly repeat: 'safe' | 'never'
}

export interface Http {
  readonly patienceMs: number
  /** The answer's JSON. Throws an ApiError, a ConnectionError, or the signal's reason. */
  json<T>(schema: z.ZodType<T>, request: HttpRequest): Promise<T>
  /** The response of a request that was not rejected; without retries. Throws as `json`. */
  fetch(path: string, init?: RequestInit): Promise<Response>
}

/** No JSON answer takes nearly as long; a server that is silent for this long is down. */
const answerWithinMs = 120_000

export function createHttp({ baseUrl, apiKey, fetch, retries = 5, patienceMs = 120_000 }: ClientOptions): Http {
  if (!URL.canParse(baseUrl))
    throw new TypeError(`baseUrl: '${baseUrl}' is not a URL: write it as http://127.0.0.1:3000.`)
  const base = baseUrl.replace(/\/+$/, '')
  // Called without a receiver, because a browser's fetch rejects any receiver but the window.
  const send = fetch ?? ((...args: Parameters<typeof globalThis.fetch>) => globalThis.fetch(...args))

  const http: Http = {
    patienceMs,
    async json(schema, request) {
      for (let attempt = 0; ; attempt += 1) {
        try {
          return await once(schema, request)
        } catch (error) {
          if (request.repeat === 'never' || attempt >= retries || !isPassing(error)) throw error
          const askedMs = ((error as Partial<ApiError>).retryAfterS ?? 0) * 1_000
          await sleep(Math.max(askedMs, backOffMs(attempt)), request.signal)
        }
      }
    },
    fetch: (path, init = {}) => ask(path, init, init.signal),
  }
  return http

  /** `signal` is the caller's part of the request's signal: its abort is not a connection error. */
  async function ask(path: string, init: RequestInit, signal: AbortSignal | null | undefined): Promise<Response> {
    const headers = new Headers(init.headers)
    if (apiKey !== undefined && apiKey !== '') headers.set('authorization', `Bearer ${apiKey}`)
    const response = await reached(() => send(`${base}${path}`, { ...init, headers }), signal)
    if (response.ok) return response
    throw await refusal(response, `${init.method ?? 'GET'} ${path}`)
  }

  async function once<T>(schema: z.ZodType<T>, { method, path, body, headers, signal }: HttpRequest): Promise<T> {
    const timeout = AbortSignal.timeout(answerWithinMs)
    const init = {
      method,
      headers: { accept: 'application/json', ...(typeof body === 'string' ? json : {}), ...headers },
      ...(body === undefined ? {} : { body }),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    }
    const response = await ask(path, init, signal)
    const text = await reached(() => response.text(), signal)
    return parseAnswer(schema, text, `${method} ${base}${path}`)
  }

  /** fetch reports a broken connection as a TypeError, with the reason as its cause, if it knows it. */
  async function reached<T>(act: () => Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
    try {
      return await act()
    } catch (error) {
      signal?.throwIfAborted()
      const cause = (error as Partial<Error>).cause
      const why = cause instanceof Error && cause.message !== '' ? cause.message : (error as Partial<Error>).message
      throw new ConnectionError(`${base} cannot be reached: ${why ?? 'no reason given'}`, { cause: error })
    }
  }
}

/** Throws a ServerError for an answer that does not come from a Sluice server of this version. */
export function parseAnswer<T>(schema: z.ZodType<T>, text: string, what: string): T {
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new ServerError({
    type: 'server_error',
    code: 'unexpected_answer',
    message: `${what}: The answer does not come from a Sluice server of this version. Check baseUrl.`,
  })
}

const json = { 'content-type': 'application/json' } as const

async function refusal(response: Response, what: string): Promise<ApiError> {
  const { status, headers } = response
  const text = await response.text().catch(() => '')
  const parsed = errorBody.safeParse(parseJson(text))
  const retryAfterS = Number(headers.get('retry-after') ?? Number.NaN)
  const known = {
    status,
    requestId: headers.get('x-request-id'),
    retryAfterS: Number.isFinite(retryAfterS) ? retryAfterS : null,
  }
  if (parsed.success) return toApiError({ ...parsed.data.error, ...known })
  // The answer of something in between, such as a proxy.
  const message = `${what}: ${status} ${response.statusText}`.trimEnd()
  return toApiError({ type: typeOf(status), code: 'unexpected_answer', message, ...known })
}

function typeOf(status: number): ErrorType {
  if (status === 401 || status === 403) return 'authentication_error'
  if (status === 404) return 'not_found_error'
  if (status === 409) return 'conflict_error'
  if (status === 429 || (status >= 502 && status <= 504)) return 'overloaded_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
