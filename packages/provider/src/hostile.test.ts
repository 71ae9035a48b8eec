import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Extractor } from '@sluice/contract/extractor'
import { laneConfig } from '@sluice/contract/lane'
import { createRedactor } from '@sluice/contract/redact'
import { expect, onTestFinished, test } from 'vitest'
import { createProvider } from './provider.ts'
import { redacted } from './redacted.ts'

const key = 'sk-a-key-that-must-not-leave-1'
const timeoutMs = 1_500
const extractor: Extractor = {
  object: 'extractor',
  name: 'person',
  version: 1,
  schema: { type: 'object', properties: { name: { type: 'string' } } },
  instructions: '',
  lane: 'default',
  parameters: {},
  reasks: 0,
  created_at: 0,
}

/** A server that writes bytes as an attacker does, on any number of connections. `requests`: what it received. */
async function serve(answer: (socket: Socket) => void) {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let received = ''
    let answered = false
    socket.on('error', () => undefined)
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
      if (answered || !received.includes('\r\n\r\n')) return
      answered = true
      requests.push(received)
      answer(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { requests, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }
}

function open(baseUrl: string, limitMs = timeoutMs) {
  const provider = createProvider(laneConfig.parse({ baseUrl, model: 'm', apiKey: key, timeoutMs: limitMs }))
  onTestFinished(() => provider[Symbol.asyncDispose]())
  return redacted(provider.extract, createRedactor([key]))
}

const ask = { extractor, text: 'Ada is 36', reasks: [] }
const never = new AbortController().signal
const head = (status: string, headers: Record<string, string | number> = {}) =>
  `HTTP/1.1 ${status}\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`
const whole = (status: string, body: string, headers: Record<string, string | number> = {}) =>
  head(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers }) + body
const completion = (content: unknown) => JSON.stringify({ choices: [{ message: { content }, finish_reason: 'stop' }] })

function every(ms: number, socket: Socket, text: string): void {
  const timer = setInterval(() => void (socket.writable && socket.write(text)), ms)
  socket.once('close', () => clearInterval(timer))
}
function flood(socket: Socket, chunk: string): void {
  const more = () => {
    while (socket.writable && socket.write(chunk));
  }
  socket.on('drain', more)
  more()
}

const cases: [name: string, answer: (socket: Socket) => void, outcome: object][] = [
  ['200 with a page', (s) => s.end(whole('200 OK', '<!doctype html><title>Log in</title>')), { type: 'unavailable' }],
  ['an endless body', (s) => (s.write(head('200 OK')), flood(s, 'x'.repeat(65_536))), { type: 'truncated' }],
  [
    'an endless body in chunks',
    (s) => (
      s.write(head('200 OK', { 'transfer-encoding': 'chunked' })),
      flood(s, `10000\r\n${' '.repeat(65_536)}\r\n`)
    ),
    { type: 'truncated' },
  ],
  ['a body that drips', (s) => (s.write(head('200 OK')), every(50, s, ' ')), { type: 'unavailable', timedOut: true }],
  [
    'headers that drip',
    (s) => (s.write('HTTP/1.1 200 OK\r\n'), every(50, s, 'x-a: b\r\n')),
    { type: 'unavailable', timedOut: true },
  ],
  ['no answer', () => undefined, { type: 'unavailable', timedOut: true }],
  [
    'a length that is too long',
    (s) => s.end(whole('200 OK', completion('{}'), { 'content-length': 100_000 })),
    { type: 'unavailable', answered: false },
  ],
  [
    'a length that is too short',
    (s) => s.end(whole('200 OK', completion('{"name":"Ada"}'), { 'content-length': 10 })),
    { type: 'unavailable' },
  ],
  [
    'a length that is no number',
    (s) => s.end(whole('200 OK', completion('{}'), { 'content-length': 'many' })),
    { type: 'unavailable' },
  ],
  [
    'two lengths',
    (s) => s.end(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\n{}{}{`),
    { type: 'unavailable' },
  ],
  [
    'an answer of 10 MB',
    (s) => s.end(whole('200 OK', completion(JSON.stringify({ name: 'x'.repeat(10e6) })))),
    { type: 'extracted' },
  ],
  ['10 MB of brackets', (s) => s.end(whole('200 OK', '['.repeat(10e6))), { type: 'unavailable' }],
  ['10 MB of values', (s) => s.end(whole('200 OK', `[${'[],'.repeat(3e6)}0]`)), { type: 'unavailable' }],
  [
    'a content of 10 MB of values',
    (s) => s.end(whole('200 OK', completion(`{"a":[${'[],'.repeat(3e6)}0]}`))),
    { type: 'invalid-output' },
  ],
  [
    'a content that is deep',
    (s) => s.end(whole('200 OK', completion(`${'{"name":'.repeat(5_000)}1${'}'.repeat(5_000)}`))),
    { type: 'invalid-output' },
  ],
  [
    'a content that is a deep object',
    (s) =>
      s.end(whole('200 OK', `{"choices":[{"message":{"content":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}}]}`)),
    { type: 'unavailable' },
  ],
  [
    'a flood of headers',
    (s) =>
      s.end(head('200 OK', Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`x-${i}`, 'a'.repeat(100)])))),
    { type: 'unavailable' },
  ],
  [
    'a header that does not end',
    (s) => (s.write('HTTP/1.1 200 OK\r\nx-a: '), flood(s, 'a'.repeat(65_536))),
    { type: 'unavailable' },
  ],
  ['no HTTP', (s) => s.end('hello\r\n\r\n'), { type: 'unavailable' }],
  ['a status that does not exist', (s) => s.end(whole('999 Odd', '{}')), { type: 'unavailable' }],
  ['a 204 with a body', (s) => s.end(whole('204 No Content', completion('{}'))), { type: 'unavailable' }],
  [
    'endless interim answers',
    (s) => flood(s, 'HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n'.repeat(500)),
    { type: 'unavailable' },
  ],
  [
    'a change of protocols',
    (s) => s.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
    { type: 'unavailable' },
  ],
  [
    'packed zeros that were not asked for',
    (s) => s.end(head('200 OK', { 'content-encoding': 'gzip', 'content-length': 3 }) + '\x1f\x8b\x08'),
    { type: 'unavailable' },
  ],
  [
    'odd bytes in headers',
    (s) =>
      s.end(
        Buffer.from(
          whole('429 Slow', '{}', { 'retry-after': '\xff\xfe', 'x-ratelimit-limit-requests': '1e400' }),
          'latin1',
        ),
      ),
    { type: 'rate-limited' },
  ],
]

test.each(cases)(
  '%s is one typed outcome, in bounded time',
  async (_, answer, outcome) => {
    const { baseUrl } = await serve(answer)
    // On a busy machine 10 MB take longer than the limit of the cases that must run into it.
    const limitMs = 'timedOut' in outcome ? timeoutMs : 20_000
    const extract = open(baseUrl, limitMs)
    const began = performance.now()
    const call = await extract(ask, { signal: never })
    expect(call.outcome).toMatchObject(outcome)
    expect(JSON.stringify(call.outcome).length).toBeLessThan(11e6)
    expect((call.raw ?? '').length).toBeLessThan(70_000)
    expect(performance.now() - began).toBeLessThan(limitMs + 8_000)
  },
  60_000,
)

test.each([301, 302, 303, 307, 308])(
  'a redirect (%s) is refused, and the key goes to no other host',
  async (status) => {
    const other = await serve((socket) => socket.end(whole('200 OK', completion('{"name":"Ada"}'))))
    const { baseUrl, requests } = await serve((socket) =>
      socket.end(whole(`${status} Moved`, '', { location: `${other.baseUrl}/chat/completions` })),
    )
    const { outcome } = await open(baseUrl)(ask, { signal: never })
    expect(outcome.type).toBe('wrong-url')
    expect(requests).toHaveLength(1)
    expect(other.requests).toEqual([])
  },
)

test('fifty endless answers at once take bounded memory, and each is an outcome', async () => {
  const { baseUrl } = await serve((socket) => (socket.write(head('200 OK')), flood(socket, ' '.repeat(65_536))))
  const extract = open(baseUrl)
  const before = process.memoryUsage()
  let most = 0
  const timer = setInterval(() => {
    const { arrayBuffers, heapUsed } = process.memoryUsage()
    most = Math.max(most, arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed)
  }, 20)
  const calls = await Promise.all(Array.from({ length: 50 }, () => extract(ask, { signal: never })))
  clearInterval(timer)
  for (const { outcome } of calls) expect(['truncated', 'unavailable']).toContain(outcome.type)
  expect(most).toBeLessThan(700e6)
}, 60_000)

test.each([
  ['an error message', whole('401 No', JSON.stringify({ error: { message: `Incorrect API key provided: ${key}` } }))],
  [
    'an error of a server',
    whole('500 Broken', JSON.stringify({ error: { message: `in Authorization: Bearer ${key}` } })),
  ],
  ['a rejected request', whole('400 Bad', JSON.stringify({ detail: `headers: {"authorization":"Bearer ${key}"}` }))],
  ['a limit', whole('429 Slow', JSON.stringify({ error: { message: `Rate limit for ${key}` } }))],
  ['a result', whole('200 OK', completion(JSON.stringify({ name: `key ${key}`, [key]: 1 })))],
  ['an answer that is no JSON', whole('200 OK', completion(`the key is ${key}`))],
  [
    'a refusal',
    whole('200 OK', JSON.stringify({ choices: [{ message: { refusal: `not with ${key}` }, finish_reason: 'stop' }] })),
  ],
  [
    'an error in a 200',
    whole('200 OK', JSON.stringify({ error: { code: 401, message: Buffer.from(key).toString('base64') } })),
  ],
])('a key that is echoed in %s is not passed on', async (_, answer) => {
  const { baseUrl } = await serve((socket) => socket.end(answer))
  const call = await open(baseUrl)(ask, { signal: never })
  const text = JSON.stringify(call)
  expect(text).toContain('[redacted]')
  expect(text).not.toContain(key)
  expect(text).not.toContain(Buffer.from(key).toString('base64').slice(0, 20))
})
