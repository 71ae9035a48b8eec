import { Pool } from 'undici'

const keepAliveMs = 30_000
/** An answer is read whole into memory, and a model that does not stop would fill it: 16 MB are about four million tokens. */
export const largestAnswerMb = 16

/** Of all answers that are being read by this process: a hundred calls at once could each hold 16 MB. */
const allAnswersBytes = 256 * 1024 * 1024
const headerBytes = 32 * 1024
let heldBytes = 0

/** What the readers of response headers need. `Headers` has it; building one takes longer than parsing the answer. */
export interface ResponseHeaders extends Iterable<readonly [name: string, value: string]> {
  /** Names are in lower case. */
  get(name: string): string | null
}

interface HttpRequest {
  readonly method?: 'GET' | 'POST'
  /** With the query, if there is one. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** For the whole request: connecting, sending, and reading the answer. */
  readonly timeoutMs: number
}

export interface HttpReply {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly text: string
}

export interface HttpPool extends AsyncDisposable {
  /**
   * One request; resolves for every status. Rejects with the signal's reason, a RequestTimedOut or a ConnectionFailed, and closes the
   * connection.
   */
  request(request: HttpRequest, options: { readonly signal: AbortSignal }): Promise<HttpReply>
}

/** The `cause` is the error of the connection. */
export class ConnectionFailed extends Error {
  override readonly name = 'ConnectionFailed'
}

export class RequestTimedOut extends Error {
  override readonly name = 'RequestTimedOut'
}

/**
 * Connections to one origin. It sends to no other host and follows no redirect, so the key goes nowhere else. It uses undici's
 * `dispatch`, which takes a sixth of the CPU of an SDK's call over the same connections (decision 0061).
 */
export function createHttpPool(origin: string): HttpPool {
  const pool = new Pool(origin, {
    connections: null,
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: headerBytes,
    maxResponseSize: largestAnswerMb * 1024 * 1024,
  })
  return {
    request: (request, { signal }) => send(pool, request, signal),
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

async function send(
  pool: Pool,
  { method = 'POST', path, headers, body, timeoutMs }: HttpRequest,
  signal: AbortSignal,
): Promise<HttpReply> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>()
  const chunks: Buffer[] = []
  let bytes = 0
  let status = 0
  let responseHeaders: ResponseHeaders = emptyHeaders
  let givenUp: Error | undefined
  let close: ((reason: Error) => void) | undefined

  const giveUp = (reason: Error) => {
    givenUp ??= reason
    reject(givenUp)
    // A request that still waits for its connection is closed as soon as it has one.
    close?.(givenUp)
  }
  const onAbort = () => giveUp(signal.reason as Error)
  const timer = setTimeout(() => giveUp(new RequestTimedOut(`No answer within ${timeoutMs} ms.`)), timeoutMs)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    pool.dispatch(
      { path, method, headers: { ...headers }, body },
      {
        onRequestStart(controller) {
          close = (reason) => controller.abort(reason)
          if (givenUp !== undefined) close(givenUp)
        },
        onResponseStart(_controller, statusCode, received) {
          status = statusCode
          responseHeaders = new ReceivedHeaders(received)
        },
        onResponseData(_controller, chunk) {
          if (givenUp !== undefined) return
          bytes += chunk.length
          heldBytes += chunk.length
          chunks.push(chunk)
          if (heldBytes > allAnswersBytes) {
            const message = 'The answers of all calls take too much memory.'
            giveUp(
              new ConnectionFailed(message, {
                cause: Object.assign(new Error(message), { code: 'ANSWERS_TOO_LARGE' }),
              }),
            )
          }
        },
        onResponseEnd: () => resolve({ status, headers: responseHeaders, text: textOf(chunks) }),
        onResponseError: (_controller, error) => reject(new ConnectionFailed(error.message, { cause: error })),
      },
    )
    return await promise
  } finally {
    heldBytes -= bytes
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

const decoder = new TextDecoder()

function textOf(chunks: readonly Buffer[]): string {
  return decoder.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
}

class ReceivedHeaders implements ResponseHeaders {
  readonly #values: Readonly<Record<string, string | string[] | undefined>>

  constructor(values: Readonly<Record<string, string | string[] | undefined>>) {
    this.#values = values
  }

  get(name: string): string | null {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
    return value === undefined ? null : joined(value)
  }

  *[Symbol.iterator](): Iterator<readonly [string, string]> {
    for (const [name, value] of Object.entries(this.#values)) {
      if (value !== undefined) yield [name, joined(value)]
    }
  }
}

function joined(value: string | readonly string[]): string {
  return typeof value === 'string' ? value : value.join(', ')
}

const emptyHeaders: ResponseHeaders = new ReceivedHeaders({})
