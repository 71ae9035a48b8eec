import { signal } from '@preact/signals'
import type { ErrorBody } from '@sluice/contract/error'

/** A request that the server rejected, or that did not reach it (`status` 0). */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly status: number
  readonly code: string
  /** The field at fault, such as `extractor.schema`. */
  readonly param: string | null

  constructor(status: number, { code, message, param }: { code: string; message: string; param: string | null }) {
    super(message)
    this.status = status
    this.code = code
    this.param = param
  }
}

export interface RequestOptions {
  /** Sent as JSON, unless it is a form or text. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Not null while the session has ended: the requests that wait for a new one. */
export const sessionEnded = signal<{ readonly goOn: () => void } | null>(null)
const sessionCodes: ReadonlySet<string> = new Set(['missing_api_key', 'invalid_api_key', 'session_ended'])

/** A request to the public API. Where the session has ended, it waits until the person has logged in again, so that no input is lost. */
async function send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  for (;;) {
    const session = sessions
    const response = await attempt(method, path, options)
    if (response.ok) return response
    const error = await readError(response)
    if (response.status !== 401 || !sessionCodes.has(error.code)) throw error
    // A request of the session before may be answered after the new login: it is only sent again.
    if (session === sessions) await newSession(options.signal)
  }
}

export async function ask<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(method, path, options)
  return (await response.json()) as T
}

async function attempt(method: string, path: string, { body, headers, signal }: RequestOptions): Promise<Response> {
  const plain = body === undefined || typeof body === 'string' || body instanceof FormData
  try {
    return await fetch(path, {
      method,
      headers: { accept: 'application/json', ...(plain ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: plain ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    signal?.throwIfAborted()
    throw new RequestError(0, {
      code: 'unreachable',
      message: `The server cannot be reached: ${error instanceof Error ? error.message : String(error)}. Is it running?`,
      param: null,
    })
  }
}

async function readError(response: Response): Promise<RequestError> {
  const text = await response.text().catch(() => '')
  try {
    const { error } = JSON.parse(text) as ErrorBody
    if (typeof error.message === 'string') return new RequestError(response.status, error)
  } catch {
    // The answer of something in between, such as a proxy.
  }
  const message = `The server answered ${response.status} ${response.statusText}`.trimEnd()
  return new RequestError(response.status, { code: 'unexpected_answer', message, param: null })
}

/** Logins on this page. */
let sessions = 0
let waiting: Promise<void> | undefined
function newSession(signal: AbortSignal | undefined): Promise<void> {
  waiting ??= new Promise<void>((resolve) => {
    sessionEnded.value = {
      goOn() {
        sessions += 1
        sessionEnded.value = null
        waiting = undefined
        resolve()
      },
    }
  })
  if (signal === undefined) return waiting
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  return Promise.race([waiting, promise])
}

/** Query parameters; empty ones are left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text === '' ? path : `${path}?${text}`
}

export function batchPath(id: string, rest = ''): string {
  return `/v1/batches/${encodeURIComponent(id)}${rest}`
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
