import { request as httpRequest } from 'node:http'
import { beforeAll, describe, expect, test } from 'vitest'
import { person, startSystem, type System } from '../support/system.ts'

const key = 'a-key-of-forty-characters-for-this-test-1'
const schema = { type: 'object', properties: { a: { type: 'string' } } }
const batch = { extractor: person, items: ['fine'] }

/** Method, path, body, then: status, code, param. */
type Row = [string, string, string, unknown, number, string, string | null]
const rows: Row[] = [
  ['no items', 'POST', '/v1/batches', { extractor: person, items: [] }, 400, 'invalid_item', 'items'],
  [
    'an empty text',
    'POST',
    '/v1/batches',
    { extractor: person, items: ['fine', { text: '' }] },
    400,
    'invalid_item',
    'items[1].text',
  ],
  [
    'a text that is a number',
    'POST',
    '/v1/batches',
    { extractor: person, items: ['fine', { text: 3 }] },
    400,
    'invalid_item',
    'items[1].text',
  ],
  [
    'an id twice',
    'POST',
    '/v1/batches',
    {
      extractor: person,
      items: [
        { id: 'x', text: 'a' },
        { id: 'x', text: 'b' },
      ],
    },
    400,
    'duplicate_id',
    'items[1].id',
  ],
  [
    'an id that another item has by its place',
    'POST',
    '/v1/batches',
    { extractor: person, items: ['a', { id: '0', text: 'b' }] },
    400,
    'duplicate_id',
    'items[1].id',
  ],
  ['an unknown field', 'POST', '/v1/batches', { ...batch, concurency: 2 }, 400, 'invalid_request', 'concurency'],
  [
    'a concurrency of nothing',
    'POST',
    '/v1/batches',
    { ...batch, concurrency: 0 },
    400,
    'invalid_request',
    'concurrency',
  ],
  ['no extractor', 'POST', '/v1/batches', { items: ['fine'] }, 400, 'invalid_request', 'extractor'],
  [
    'an extractor that is not there',
    'POST',
    '/v1/batches',
    { ...batch, extractor: 'nobody' },
    404,
    'extractor_not_found',
    'extractor',
  ],
  [
    'a version that is not there',
    'POST',
    '/v1/batches',
    { ...batch, extractor: 'nobody@7' },
    404,
    'extractor_not_found',
    'extractor',
  ],
  [
    'an inline schema that no value can match',
    'POST',
    '/v1/batches',
    { ...batch, extractor: { schema: { type: 'array', minItems: 1, items: false } } },
    400,
    'invalid_schema',
    'extractor.schema#',
  ],
  [
    'a lane that is not there',
    'POST',
    '/v1/batches',
    { ...batch, extractor: { schema, lane: 'fast' } },
    400,
    'unknown_lane',
    'extractor.lane',
  ],
  [
    'a schema of an unknown type',
    'POST',
    '/v1/extractors',
    { name: 'a', schema: { type: 'object', properties: { a: { type: 'strin' } } } },
    400,
    'invalid_schema',
    'schema#/properties/a/type',
  ],
  [
    'a remote reference',
    'POST',
    '/v1/extractors',
    { name: 'a', schema: { type: 'object', properties: { a: { $ref: 'http://127.0.0.1/' } } } },
    400,
    'invalid_schema',
    'schema#/properties/a/$ref',
  ],
  ['a name with a space', 'POST', '/v1/extractors', { name: 'a b', schema }, 400, 'invalid_request', 'name'],
  ['a batch that is not there', 'GET', '/v1/batches/batch_none', undefined, 404, 'batch_not_found', null],
  ['results that are not there', 'GET', '/v1/batches/batch_none/results', undefined, 404, 'batch_not_found', null],
  [
    'an unknown order',
    'GET',
    '/v1/batches/batch_none/results?order=random',
    undefined,
    400,
    'invalid_request',
    'order',
  ],
  ['a limit that is no number', 'GET', '/v1/batches?limit=many', undefined, 400, 'invalid_request', 'limit'],
  ['an unknown parameter', 'GET', '/v1/batches?limi=3', undefined, 400, 'invalid_request', 'limi'],
  ['an extractor that nobody stored', 'GET', '/v1/extractors/nobody', undefined, 404, 'extractor_not_found', null],
  [
    'an empty text to extract now',
    'POST',
    '/v1/extract',
    { extractor: person, text: '' },
    400,
    'invalid_request',
    'text',
  ],
  ['a method that the path does not take', 'PUT', '/v1/batches', batch, 405, 'method_not_allowed', null],
  ['a path that is not there', 'GET', '/v1/bathces', undefined, 404, 'route_not_found', null],
]

describe('a refused request', () => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ env: { SLUICE_API_KEYS: key, SLUICE_BODY_LIMIT_MB: '1' }, keepFor: 'file' })
  })
  const authorization = { authorization: `Bearer ${key}` }
  const ask = (method: string, path: string, body?: unknown) => system.request(method, path, body, authorization)

  test.each(rows)('%s', async (_, method, path, body, status, code, param) => {
    const answer = await ask(method, path, body)
    expect(answer.status).toBe(status)
    expect(answer.body).toEqual({
      error: { type: expect.any(String) as string, code, message: expect.stringMatching(/\w{3}/) as string, param },
    })
    expect(JSON.stringify(answer.body)).not.toMatch(/node_modules|at \w+ \(|\.ts:/)
    expect((await ask('GET', '/v1/batches')).body.data).toEqual([])
    expect((await ask('GET', '/v1/extractors')).body.data).toEqual([])
  })

  test.each([
    ['no JSON', 'application/json', '{x', 400, 'invalid_json', null],
    ['another type', 'text/csv', 'a,b', 415, 'unsupported_media_type', 'content-type'],
    [
      'more than the limit',
      'application/json',
      JSON.stringify({ extractor: person, items: ['x'.repeat(1_100_000)] }),
      413,
      'too_large',
      null,
    ],
    ['nothing', 'application/json', '', 400, 'missing_body', null],
  ])('a body that is %s', async (_, type, body, status, code, param) => {
    const response = await fetch(`${system.url}/v1/batches`, {
      method: 'POST',
      headers: { ...authorization, 'content-type': type },
      body,
    })
    expect(response.status).toBe(status)
    expect(response.headers.get('x-request-id')).toMatch(/.{8}/)
    expect(await response.json()).toMatchObject({ error: { code, param } })
  })

  test.each([
    ['no key', {}, 'missing_api_key'],
    ['a wrong key', { authorization: 'Bearer nonsense' }, 'invalid_api_key'],
    [
      'a wrong password',
      { authorization: `Basic ${Buffer.from('me:nonsense').toString('base64')}` },
      'invalid_api_key',
    ],
  ])('%s', async (_, headers: Record<string, string>, code) => {
    for (const path of ['/v1/batches', '/queues', '/queues/api/queues', '/docs/', '/openapi.json', '/', '/nothing']) {
      const answer = await fetch(`${system.url}${path}`, { headers })
      expect([path, answer.status]).toEqual([path, 401])
      expect(await answer.json()).toMatchObject({ error: { type: 'authentication_error', code } })
    }
    for (const path of ['/healthz', '/readyz'])
      expect((await fetch(`${system.url}${path}`, { headers })).status).toBe(200)
  })

  test('a key as the password of HTTP Basic opens Bull Board', async () => {
    const headers = { authorization: `Basic ${Buffer.from(`any:${key}`).toString('base64')}` }
    expect((await fetch(`${system.url}/queues`, { headers })).status).toBe(200)
  })
})

test('without keys a page of another site can neither read nor act', async () => {
  const system = await startSystem()
  const { port } = new URL(system.url)
  const rebound = await new Promise<number>((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path: '/v1/batches', headers: { host: `evil.example:${port}` } }, (res) => {
      res.resume()
      resolve(res.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
  expect(rebound).toBe(401)
  const foreign = await system.request('POST', '/v1/batches', batch, { origin: 'https://evil.example' })
  expect(foreign).toMatchObject({ status: 401, body: { error: { code: 'foreign_origin' } } })
})
