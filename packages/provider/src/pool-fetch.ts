import { Pool } from 'undici'

const keepAliveMs = 30_000
/** An answer is read whole into memory, and a model that does not stop would fill it: 16 MB are about four million tokens. */
export const largestAnswerMb = 16

/**
 * A `fetch` over one connection pool, as SDKs accept it. With it a call takes about 40 % less CPU than with the built-in fetch.
 * It has no time-out of its own: the caller's signal closes the socket.
 */
export function createPoolFetch(origin: string): { fetch: typeof fetch } & AsyncDisposable {
  const pool = new Pool(origin, {
    connections: null,
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: largestAnswerMb * 1024 * 1024,
  })
  return {
    async fetch(input, init = {}) {
      const url = new URL(input instanceof Request ? input.url : input)
      const { statusCode, headers, body } = await pool.request({
        path: `${url.pathname}${url.search}`,
        method: init.method ?? 'GET',
        headers: Object.fromEntries(new Headers(init.headers)),
        body: (init.body ?? null) as string | null,
        signal: init.signal ?? null,
      })
      const text = await body.text()
      return new Response(text === '' ? null : text, { status: statusCode, headers: flatten(headers) })
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

function flatten(headers: Record<string, string | string[] | undefined>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
  )
}
