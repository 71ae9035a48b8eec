import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { laneConfig } from '@sluice/contract/lane'
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError, OpenAI } from 'openai'
import { expect, onTestFinished, test } from 'vitest'
import { ConnectionFailed, RequestTimedOut } from '../../http-pool.ts'
import { createOpenAiClient } from './client.ts'

/** The official SDK is the second implementation: both must send the same request and see the same response. */
type Seen =
  | { readonly type: 'response'; readonly status: number; readonly headers: Record<string, string | null> }
  | { readonly type: 'timed-out' | 'connection-failed' | 'aborted' }

const compared = ['retry-after', 'retry-after-ms', 'x-ratelimit-remaining-requests', 'x-request-id', 'x-twice']
const body = { model: 'm', messages: [{ role: 'user' as const, content: 'Ada “is” 36 \u{1F600}\n' }], temperature: 0 }
const never = new AbortController().signal

interface Asked {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: unknown
}

async function serve(answer: (res: ServerResponse) => void) {
  const asked: Asked[] = []
  const receive = async (req: IncomingMessage, res: ServerResponse) => {
    const { method, url, headers } = req
    const { authorization, accept } = headers
    const picked = {
      authorization,
      accept,
      type: headers['content-type'],
      organization: headers['openai-organization'],
    }
    asked.push({ method, url, headers: picked, body: JSON.parse(await text(req)) })
    answer(res)
  }
  const server = createServer((req, res) => void receive(req, res).catch(() => res.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void (server.closeAllConnections(), server.close()))
  return { asked, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }
}

function pick(headers: { get(name: string): string | null }) {
  return Object.fromEntries(compared.map((name) => [name, headers.get(name)]))
}

async function viaSdk(baseURL: string, timeout: number, signal: AbortSignal): Promise<Seen & { text?: string }> {
  const sdk = new OpenAI({
    baseURL,
    apiKey: 'secret',
    organization: 'org-1',
    maxRetries: 0,
    timeout,
    logLevel: 'off',
  })
  try {
    const response = await sdk.chat.completions.create(body, { signal }).asResponse()
    return {
      type: 'response',
      status: response.status,
      headers: pick(response.headers),
      text: await response.text(),
    }
  } catch (error) {
    if (error instanceof APIConnectionTimeoutError) return { type: 'timed-out' }
    if (error instanceof APIUserAbortError) return { type: 'aborted' }
    if (error instanceof APIError && error.status !== undefined) {
      return { type: 'response', status: error.status as number, headers: pick(error.headers as Headers) }
    }
    // After its headers the SDK reports the fetch's own error.
    if (error instanceof APIConnectionError || error instanceof TypeError) return { type: 'connection-failed' }
    throw error
  }
}

async function viaClient(baseUrl: string, timeoutMs: number, signal: AbortSignal): Promise<Seen & { text?: string }> {
  const lane = { baseUrl, model: 'm', apiKey: 'secret', headers: { 'OpenAI-Organization': 'org-1' }, timeoutMs }
  await using client = createOpenAiClient(laneConfig.parse(lane))
  try {
    const { status, headers, text } = await client.post('/v1/chat/completions', JSON.stringify(body), signal)
    return { type: 'response', status, headers: pick(headers), ...(status < 400 ? { text } : {}) }
  } catch (error) {
    if (error instanceof RequestTimedOut) return { type: 'timed-out' }
    if (error instanceof ConnectionFailed) return { type: 'connection-failed' }
    if (signal.aborted && error === signal.reason) return { type: 'aborted' }
    throw error
  }
}

const limits = { 'x-ratelimit-remaining-requests': '499', 'x-request-id': 'req_1' }
const json = (status: number, value: unknown, headers: Record<string, string | string[]> = {}) =>
  ((res) =>
    res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))) satisfies (
    res: ServerResponse,
  ) => void

const cases: [name: string, answer: (res: ServerResponse) => void, expected: Partial<Seen>][] = [
  ['a completion', json(200, { choices: [] }, limits), { type: 'response', status: 200 }],
  ['a header that comes twice', json(200, {}, { 'x-twice': ['a', 'b'] }), { type: 'response' }],
  ['text that is not JSON', (res) => res.writeHead(200).end('<html>'), { type: 'response', status: 200 }],
  ['an empty body', (res) => res.writeHead(200).end(), { type: 'response', status: 200 }],
  [
    'a body in pieces that cut a character',
    (res) => {
      const bytes = Buffer.from('{"a":"é😀"}')
      res.writeHead(200)
      for (const byte of bytes) res.write(Buffer.of(byte))
      res.end()
    },
    { type: 'response', status: 200 },
  ],
  ...[400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529].map(
    (status): [string, (res: ServerResponse) => void, Partial<Seen>] => [
      `status ${status}`,
      json(
        status,
        { error: { message: 'no', code: 'x' } },
        { ...limits, 'retry-after': '2', 'retry-after-ms': '1500' },
      ),
      { type: 'response', status },
    ],
  ),
  ['an error that is not JSON', (res) => res.writeHead(502).end('Bad gateway'), { type: 'response', status: 502 }],
  ['no answer', () => undefined, { type: 'timed-out' }],
  ['a connection that is cut before the answer', (res) => res.destroy(), { type: 'connection-failed' }],
  [
    'a connection that is cut within the answer',
    (res) => void (res.writeHead(200, { 'content-length': 100 }).write('{'), setTimeout(() => res.destroy(), 20)),
    { type: 'connection-failed' },
  ],
]

test.each(cases)('%s: the same request and the same response as with the SDK', async (_name, answer, expected) => {
  const { asked, baseUrl } = await serve(answer)
  const timeoutMs = expected.type === 'timed-out' ? 300 : 30_000
  const sdk = await viaSdk(baseUrl, timeoutMs, never)
  const own = await viaClient(baseUrl, timeoutMs, never)
  expect(own).toMatchObject(expected)
  expect(own).toEqual(sdk)
  expect(asked[1]).toEqual(asked[0])
  expect(asked[0]).toMatchObject({ method: 'POST', url: '/v1/chat/completions', body })
})

test('an abort ends the request at once, as with the SDK, and closes the connection', async () => {
  for (const via of [viaSdk, viaClient]) {
    let open = 0
    const { asked, baseUrl } = await serve((res) => {
      open += 1
      res.on('close', () => (open -= 1))
    })
    const controller = new AbortController()
    const seen = via(baseUrl, 60_000, controller.signal)
    await expect.poll(() => asked.length).toBe(1)
    controller.abort(new Error('enough'))
    expect(await seen).toEqual({ type: 'aborted' })
    await expect.poll(() => open).toBe(0)
  }
})

test('a port that nobody listens on is a failed connection, as with the SDK', async () => {
  const { baseUrl } = await serve(() => undefined)
  const closed = baseUrl.replace(/:\d+/, ':9')
  expect(await viaSdk(closed, 2_000, never)).toEqual({ type: 'connection-failed' })
  expect(await viaClient(closed, 2_000, never)).toEqual({ type: 'connection-failed' })
})

test('a request that is given up while it connects ends at once', async () => {
  // It accepts the connection and never answers the TLS handshake.
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const controller = new AbortController()
  const seen = viaClient(`https://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, 60_000, controller.signal)
  const [socket] = (await once(server, 'connection')) as [Socket]
  controller.abort(new Error('enough'))
  expect(await seen).toEqual({ type: 'aborted' })
  socket.destroy()
})

test("the path comes before an address's query, as Azure needs it", async () => {
  const { asked, baseUrl } = await serve(json(200, {}))
  await viaClient(`${baseUrl}/?api-version=2025-01-01`, 2_000, never)
  expect(asked[0]?.url).toBe('/v1/chat/completions?api-version=2025-01-01')
})
