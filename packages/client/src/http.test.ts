import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  AuthenticationError,
  ConflictError,
  ConnectionError,
  InvalidRequestError,
  NotFoundError,
  OverloadedError,
  ServerError,
} from './errors.ts'
import { createHttp } from './http.ts'
import { refused, scriptedFetch } from './scripted-fetch.ts'

const anything = z.object({ fine: z.literal(true) })
const get = { method: 'GET', path: '/v1/x', repeat: 'safe' } as const
const baseUrl = 'http://sluice.test/prefix/'

test.each([
  ['invalid_request_error', 400, InvalidRequestError],
  ['authentication_error', 401, AuthenticationError],
  ['not_found_error', 404, NotFoundError],
  ['conflict_error', 409, ConflictError],
  ['overloaded_error', 503, OverloadedError],
  ['server_error', 500, ServerError],
])('an error of type %s has its own class', async (type, status, expected) => {
  const { fetch } = scriptedFetch(() => refused(status, type, 'some_code', { 'x-request-id': 'r1' }))
  const failing = createHttp({ baseUrl, fetch, retries: 0 }).json(anything, get)
  await expect(failing).rejects.toBeInstanceOf(expected)
  await expect(failing).rejects.toMatchObject({
    type,
    code: 'some_code',
    status,
    requestId: 'r1',
    message: 'some_code it is',
  })
})

test('the key is sent, and a path after the host is kept', async () => {
  const { fetch, asked } = scriptedFetch(() => Response.json({ fine: true }))
  await createHttp({ baseUrl, apiKey: 'k1', fetch }).json(anything, get)
  expect(asked[0]?.path).toBe('/prefix/v1/x')
  expect(asked[0]?.headers.get('authorization')).toBe('Bearer k1')
})

test('a broken connection and an overloaded server are retried, a rejected request is not', async () => {
  const passing = scriptedFetch((_, count) => {
    if (count === 1) throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })
    return count === 2 ? refused(503, 'overloaded_error', 'redis_unavailable') : Response.json({ fine: true })
  })
  await createHttp({ baseUrl, fetch: passing.fetch }).json(anything, get)
  expect(passing.asked).toHaveLength(3)

  const final = scriptedFetch(() => refused(400, 'invalid_request_error', 'invalid_item'))
  await expect(createHttp({ baseUrl, fetch: final.fetch }).json(anything, get)).rejects.toThrow('invalid_item')
  expect(final.asked).toHaveLength(1)
})

test('a request that must not run twice is not repeated, and an unreachable server is reported with the reason', async () => {
  const { fetch, asked } = scriptedFetch(() => {
    throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') })
  })
  const http = createHttp({ baseUrl, fetch, retries: 1 })
  await expect(http.json(anything, { ...get, method: 'POST', repeat: 'never' })).rejects.toBeInstanceOf(ConnectionError)
  expect(asked).toHaveLength(1)
  await expect(http.json(anything, get)).rejects.toThrow(
    'http://sluice.test/prefix cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
  )
  expect(asked).toHaveLength(3)
})

test('an answer that does not come from a Sluice server is reported as such', async () => {
  const page = scriptedFetch(() => new Response('<html>', { headers: { 'content-type': 'text/html' } }))
  await expect(createHttp({ baseUrl, fetch: page.fetch }).json(anything, get)).rejects.toThrow('Check baseUrl.')
  const proxy = scriptedFetch(() => new Response('<html>', { status: 502, statusText: 'Bad Gateway' }))
  const failing = createHttp({ baseUrl, fetch: proxy.fetch, retries: 0 }).json(anything, get)
  await expect(failing).rejects.toMatchObject({ type: 'overloaded_error', message: 'GET /v1/x: 502 Bad Gateway' })
})

test('an invalid base URL is rejected', () => {
  expect(() => createHttp({ baseUrl: '127.0.0.1:3000' })).toThrow('write it as http://127.0.0.1:3000')
})

test('an abort ends a request, and the pause before a retry, with its reason', async () => {
  const stop = new AbortController()
  const { fetch, asked } = scriptedFetch(() => {
    setTimeout(() => stop.abort(new Error('enough')), 10)
    throw new TypeError('fetch failed')
  })
  const http = createHttp({ baseUrl, fetch })
  await expect(http.json(anything, { ...get, signal: stop.signal })).rejects.toThrow('enough')
  expect(asked).toHaveLength(1)
  await expect(http.json(anything, { ...get, signal: stop.signal })).rejects.toThrow('enough')
})
