import { Pool } from 'undici'

const keepAliveMs = 30_000
/** An answer is read whole, and a model that runs away may write on: 16 MB are four million tokens. */
export const largestAnswerMb = 16

/**
 * A `fetch` for the SDK over one connection pool. The SDK takes its CPU mostly from the built-in fetch: over the pool a call costs
 * about 40 % less. Time-outs are the SDK's: its signal closes the socket.
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
