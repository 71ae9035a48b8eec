import { beforeAll, describe, expect, test } from 'vitest'
import { startSystem, type System } from '../support/system.ts'
import { bearer, key, openSocket, secured, send } from './attack.ts'

const authorized = `host: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n`
const json = 'content-type: application/json\r\n'
const lines = 'content-type: application/x-ndjson\r\n'
const post = (headers: string, body: string, path = '/v1/extractors') =>
  `POST ${path} HTTP/1.1\r\n${authorized}${headers}\r\n${body}`

/** The answers to these bytes, until the connection is closed or nothing more comes. */
async function exchange(system: System, bytes: string): Promise<{ statuses: number[]; body: string; closed: boolean }> {
  const socket = await openSocket(system)
  socket.write(Buffer.from(bytes, 'latin1'))
  await expect.poll(() => socket.received(), { timeout: 10_000 }).toMatch(/\r\n\r\n[^]*\}\}|HTTP\/1.1 2\d\d/)
  const text = socket.received()
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
  return { statuses, body: text.slice(text.lastIndexOf('\r\n\r\n') + 4), closed: socket.closed }
}

describe('requests that a proxy could read in another way', () => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ env: secured, keepFor: 'file' })
  })

  test.each([
    ['a length and chunks', post(`${json}content-length: 4\r\ntransfer-encoding: chunked\r\n`, '0\r\n\r\n'), 400],
    ['the same length twice', post(`${json}content-length: 2\r\ncontent-length: 2\r\n`, '{}'), 400],
    ['a length with a sign', post(`${json}content-length: +2\r\n`, '{}'), 400],
    ['a negative length', post(`${json}content-length: -1\r\n`, '{}'), 400],
    ['a length of 23 digits', post(`${json}content-length: 99999999999999999999999\r\n`, '{}'), 400],
    ['a length of 9 PB', post(`${json}content-length: 9007199254740993\r\n`, '{}'), 413],
    ['chunked that is not last', post(`${json}transfer-encoding: chunked, identity\r\n`, '0\r\n\r\n'), 400],
    ['packed chunks', post(`${json}transfer-encoding: gzip, chunked\r\n`, '2\r\n{}\r\n0\r\n\r\n'), 400],
    ['an unknown coding', post(`${json}transfer-encoding: xchunked\r\n`, '0\r\n\r\n'), 400],
    ['two codings', post(`${json}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n`, '0\r\n\r\n'), 400],
    ['an endless chunk extension', post(`${json}transfer-encoding: chunked\r\n`, `2;${'a'.repeat(40_000)}`), 400],
    ['a space before the colon', `GET /v1/lanes HTTP/1.1\r\nhost : a\r\n${authorized}\r\n`, 400],
    ['line feeds only', `GET /v1/lanes HTTP/1.1\n${authorized.replaceAll('\r', '')}\n`, 400],
    ['a folded header', `GET /v1/lanes HTTP/1.1\r\n${authorized}x: a\r\n b\r\n\r\n`, 400],
    ['no host', `GET /v1/lanes HTTP/1.1\r\nauthorization: Bearer ${key}\r\n\r\n`, 400],
    ['two hosts', `GET /v1/lanes HTTP/1.1\r\nhost: b\r\n${authorized}\r\n`, 400],
    ['an expectation', post(`${json}expect: 200-nothing\r\ncontent-length: 2\r\n`, '{}'), 400],
    ['a control character in a header', post(`${json}idempotency-key: a\u0007b\r\ncontent-length: 2\r\n`, '{}'), 400],
    ['a URL of another host', `GET http://example.com/v1/lanes HTTP/1.1\r\n${authorized}\r\n`, 400],
    ['a URL of another protocol', `GET ftp://a/v1/lanes HTTP/1.1\r\n${authorized}\r\n`, 400],
    ['a URL with a password', `GET http://me:x@a/v1/lanes HTTP/1.1\r\n${authorized}\r\n`, 400],
    ['HTTP/2.0 as a version', `GET /v1/lanes HTTP/2.0\r\n${authorized}\r\n`, 400],
    ['HTTP/0.9 as a version', `GET /v1/lanes HTTP/0.9\r\n${authorized}\r\n`, 400],
    [
      'chunks in HTTP/1.0',
      post(`${json}transfer-encoding: chunked\r\n`, '2\r\n{}\r\n0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0'),
      400,
    ],
    [
      '20,000 trailers',
      post(`${json}transfer-encoding: chunked\r\n`, `2\r\n{}\r\n0\r\n${'a: b\r\n'.repeat(20_000)}\r\n`),
      431,
    ],
    [
      'a form without a boundary',
      post('content-type: multipart/form-data\r\ncontent-length: 1\r\n', 'a', '/v1/batches'),
      400,
    ],
    [
      'a form with a boundary of 300 characters',
      post(
        `content-type: multipart/form-data; boundary=${'a'.repeat(300)}\r\ncontent-length: 1\r\n`,
        'a',
        '/v1/batches',
      ),
      400,
    ],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['two thousand headers', `GET /v1/lanes HTTP/1.1\r\n${'a:\r\n'.repeat(2_500)}${authorized}\r\n`, 431],
    ['three thousand parameters', `GET /v1/batches?${'a=1&'.repeat(4_200)} HTTP/1.1\r\n${authorized}\r\n`, 431],
    ['JSON in UTF-16', post('content-type: application/json; charset=utf-16\r\ncontent-length: 2\r\n', '{}'), 415],
    ['JSON in "UTF-7"', post('content-type: application/json; charset="utf-7"\r\ncontent-length: 2\r\n', '{}'), 415],
    [
      'lines in UTF-16',
      post(`${lines.trim()}; charset=utf-16\r\ncontent-length: 4\r\n`, '"a"\n', '/v1/batches?extractor=a'),
      415,
    ],
    ['two content types', post('content-type: text/plain\r\ncontent-type: application/json\r\n', ''), 400],
    ['a body packed twice', post(`${json}content-encoding: gzip, gzip\r\ncontent-length: 2\r\n`, '{}'), 415],
    [
      'a body packed on two lines',
      post(`${json}content-encoding: gzip\r\ncontent-encoding: br\r\ncontent-length: 2\r\n`, '{}'),
      415,
    ],
    ['zstd', post(`${json}content-encoding: zstd\r\ncontent-length: 2\r\n`, '{}'), 415],
    [
      'an encoding that is a property of objects',
      post(`${json}content-encoding: constructor\r\ncontent-length: 2\r\n`, '{}'),
      415,
    ],
    ['no deflate', post(`${json}content-encoding: deflate\r\ncontent-length: 2\r\n`, '{}'), 400],
    ['no Brotli', post(`${json}content-encoding: br\r\ncontent-length: 2\r\n`, '{}'), 400],
  ])('%s is refused once, in the one error shape', async (_, bytes, status) => {
    const { statuses, body } = await exchange(system, bytes)
    expect([statuses, JSON.parse(body)]).toEqual([
      [status],
      { error: expect.objectContaining({ type: 'invalid_request_error', message: expect.any(String) as string }) },
    ])
  })

  test.each([
    [
      'a trailer that looks like a header',
      '1.1',
      'transfer-encoding: chunked',
      '2\r\n{}\r\n0\r\nauthorization: no\r\norigin: x\r\n\r\n',
    ],
    ['a chunk extension', '1.1', 'transfer-encoding: chunked', '2;a="b c"\r\n{}\r\n0\r\n\r\n'],
    ['chunks of one byte', '1.1', 'transfer-encoding: chunked', '1\r\n{\r\n1\r\n}\r\n0\r\n\r\n'],
    ['HTTP/1.0', '1.0', 'content-length: 2', '{}'],
    ['HTTP/1.0 that expects a word', '1.0', 'expect: 100-continue\r\ncontent-length: 2', '{}'],
    ['a range', '1.1', 'range: bytes=0-0\r\ncontent-length: 2', '{}'],
    ['cookies of 12 KB', '1.1', `cookie: ${'a=b; '.repeat(2_400)}\r\ncontent-length: 2`, '{}'],
  ])('%s is read, and changes nothing about the request', async (_, version, headers, body) => {
    const { statuses, body: answer } = await exchange(
      system,
      post(`${json}${headers}\r\n`, body).replace('HTTP/1.1', `HTTP/${version}`),
    )
    expect([statuses, JSON.parse(answer)]).toMatchObject([[400], { error: { param: 'name' } }])
  })

  test('the rest of a refused request is never read as the next request', async () => {
    const hidden = `GET /v1/lanes HTTP/1.1\r\n${authorized}\r\n`
    for (const headers of [
      'content-length: 5\r\ntransfer-encoding: chunked\r\n',
      'transfer-encoding: gzip, chunked\r\n',
    ]) {
      const { statuses } = await exchange(system, post(`${json}${headers}`, `0\r\n\r\n${hidden}`))
      expect([headers, statuses]).toEqual([headers, [400]])
    }
  })

  test('a path is not resolved, decoded twice or taken from an absolute URL to get around the key', async () => {
    const paths = [
      'http://127.0.0.1/v1/lanes',
      'http://127.0.0.1/healthz/../v1/lanes',
      '//healthz',
      '//v1/lanes',
      '/healthz/..%2fv1/lanes',
      '/healthz/../v1/lanes',
      '/healthz;/../v1/lanes',
      '/healthz%00/v1/lanes',
      '/login/..;/v1/lanes',
      '/page.css/../v1/lanes',
      '/page.css%2f..%2fv1%2flanes',
      '/V1/LANES',
      '/HEALTHZ/x',
      '*',
    ]
    for (const path of paths) {
      const answer = await send(system, 'GET', path)
      expect([path, answer.status]).toEqual([path, 401])
    }
    for (const header of ['x-original-url', 'x-rewrite-url', 'x-http-method-override', 'x-forwarded-prefix']) {
      const answer = await send(system, 'GET', '/healthz', { headers: { [header]: '/v1/lanes' } })
      expect([header, answer.text]).toEqual([header, '{"status":"ok"}'])
    }
  })

  test('a path never leads to a file', async () => {
    const paths = ['docs', 'queues/static'].flatMap((folder) =>
      [
        '..%2f..%2fpackage.json',
        '../../package.json',
        '%2e%2e/package.json',
        '..%5c..%5cpackage.json',
        '%00',
        '%ff',
        '.env',
      ].map((rest) => `/${folder}/${rest}`),
    )
    for (const path of paths) {
      const { status } = await send(system, 'GET', path, { headers: bearer })
      expect([path, [400, 404].includes(status)]).toEqual([path, true])
    }
  })

  test('a client that waits before it sends its body is asked for it only when its key is right', async () => {
    const request = (authorization: string) =>
      `POST /v1/extractors HTTP/1.1\r\nhost: a\r\n${authorization}${json}expect: 100-continue\r\ncontent-length: 2\r\n\r\n`
    const stranger = await exchange(system, request(''))
    expect(stranger.statuses).toEqual([401])
    const socket = await openSocket(system)
    socket.write(request(`authorization: Bearer ${key}\r\n`))
    await expect.poll(() => socket.received()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('{}')
    await expect.poll(() => socket.received()).toMatch(/HTTP\/1.1 400[^]*"param":"name"/)
  })
})
