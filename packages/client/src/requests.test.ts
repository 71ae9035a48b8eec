import { expect, expectTypeOf, test } from 'vitest'
import { createClient } from './client.ts'
import { InvalidRequestError, ItemError } from './errors.ts'
import type { RawResponse } from './requests.ts'
import { type Asked, batchBody, ended, eventStream, scriptedFetch } from './scripted-fetch.ts'

const response = { status_code: 200, request_id: 'req_1', body: '{"object":"list"}' }
const refusal = { ...response, status_code: 400 }
const line = { attempts: 1, metadata: {} }
const results = [
  { id: 'c0', data: { ...line, index: 0, id: 'a', status: 'succeeded', response, cursor: 'c0' } },
  {
    id: 'c1',
    data: {
      ...line,
      index: 1,
      id: 'b',
      status: 'failed',
      response: refusal,
      error: { type: 'rejected', message: 'HTTP 400' },
      cursor: 'c1',
    },
  },
]

function clientOf() {
  const { fetch, asked } = scriptedFetch(({ path }: Asked) => {
    if (path.endsWith('/events')) return eventStream([{ event: 'progress', data: batchBody({}, 2) }, ended])
    if (path.endsWith('/results')) return eventStream([...results, ended])
    if (path.endsWith('/estimate'))
      return Response.json({ object: 'estimate', items: 2, input_tokens: 9, output_tokens: 0, cost_usd: null })
    return Response.json(batchBody({}, 2))
  })
  return { sluice: createClient({ baseUrl: 'http://sluice.test', fetch }), asked }
}

const requests = [
  { id: 'a', body: { model: 'm', input: 'one' } },
  { id: 'b', body: { model: 'm', input: 'two' } },
]

test('raw requests are sent as one batch with its options, and their responses are its values', async () => {
  const { sluice, asked } = clientOf()
  const batch = await sluice.submitRequests(requests, {
    endpoint: '/v1/embeddings',
    lane: 'fast',
    priority: 5,
    idempotencyKey: 'key',
  })
  expect(asked[0]).toMatchObject({ method: 'POST', path: '/v1/batches' })
  expect(asked[0]!.headers.get('idempotency-key')).toBe('key')
  expect(JSON.parse(asked[0]!.body)).toEqual({
    task: 'request',
    endpoint: '/v1/embeddings',
    lane: 'fast',
    priority: 5,
    items: requests,
  })
  const values = await batch.gather({ returnExceptions: true })
  expectTypeOf(values).toEqualTypeOf<(RawResponse | ItemError)[]>()
  expect(values[0]).toEqual(response)
  expect(values[1]).toBeInstanceOf(ItemError)
  expect(values[1]).toMatchObject({ type: 'rejected', id: 'b', response: refusal })
  for await (const result of batch.results()) {
    if (result.status === 'succeeded') expect(result.data).toEqual(result.response)
  }
})

test('raw requests are estimated, and none are an error that names the parameter', async () => {
  const { sluice, asked } = clientOf()
  expect(await sluice.estimateRequests(requests, { endpoint: '/v1/embeddings' })).toMatchObject({ items: 2 })
  expect(JSON.parse(asked[0]!.body)).toEqual({ task: 'request', endpoint: '/v1/embeddings', items: requests })
  await expect(sluice.submitRequests([], { endpoint: '/v1/embeddings' })).rejects.toThrow(InvalidRequestError)
  expect(asked).toHaveLength(1)
})
