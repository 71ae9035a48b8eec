import { beforeAll, describe, expect, test } from 'vitest'
import { startSystem, type System } from '../support/system.ts'
import { bearer, errorOf, secured, send } from './attack.ts'

const others = ['HEAD', 'OPTIONS', 'TRACE', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'QUERY']
const spoofed = { 'x-http-method-override': 'DELETE', 'x-http-method': 'DELETE', 'x-method-override': 'DELETE' }

test('every path of the OpenAPI document refuses every other method, with and without a key, and changes nothing', async () => {
  const system = await startSystem({ env: secured })
  const person = { name: 'person', schema: { type: 'object' } }
  await system.request('POST', '/v1/extractors', person, bearer)
  const { id } = (await system.request('POST', '/v1/batches', { extractor: 'person', items: ['a'] }, bearer)).body
  const { paths } = (await system.request('GET', '/openapi.json', undefined, bearer)).body as {
    paths: Record<string, Record<string, { security?: unknown[] }>>
  }
  let asked = 0
  for (const [template, methods] of Object.entries(paths)) {
    const path = template
      .replace('{id}', id)
      .replace('{name}', 'person')
      .replaceAll(/\{\w+\}/g, '0')
    for (const method of others) {
      // `/v1/batches/estimate` is also the path of a batch with that id.
      const alsoId = paths[template.replace(/[^/]+$/, '{id}')] ?? {}
      const isAllowed = (one: string) => Object.hasOwn(methods, one) || Object.hasOwn(alsoId, one)
      if (isAllowed(method.toLowerCase())) continue
      asked += 1
      // A HEAD of what a GET answers is right, and carries no body.
      const isHead = method === 'HEAD' && isAllowed('get')
      const answer = await send(system, method, path, { headers: { ...bearer, connection: 'close' } })
      const shown = [method, path, answer.status]
      if (isHead) expect([...shown, answer.text]).toEqual([...shown, ''])
      else expect(shown).toEqual([method, path, 405])
      expect(answer.status).toBeLessThan(500)
      if (isHead || method === 'HEAD') continue
      expect(errorOf(answer).code).toBe('method_not_allowed')
      const open = ['/healthz', '/readyz'].includes(path)
      const stranger = await send(system, method, path)
      expect([method, path, stranger.status]).toEqual([method, path, open ? 405 : 401])
    }
    for (const method of ['get', 'post'].filter((one) => Object.hasOwn(methods, one))) {
      const answer = await send(system, method.toUpperCase(), path, { headers: spoofed })
      expect(answer.status).toBe(['/healthz', '/readyz'].includes(path) ? 200 : 401)
    }
  }
  expect(asked).toBeGreaterThan(100)
  expect((await system.request('GET', `/v1/batches/${id}`, undefined, bearer)).body.status).toBe('in_progress')
  expect((await system.request('GET', '/v1/extractors', undefined, bearer)).body.data).toHaveLength(1)
})

describe('odd input', () => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ env: secured, keepFor: 'file' })
    await system.request('POST', '/v1/extractors', { name: 'person', schema: { type: 'object' } }, bearer)
  })
  test.each([
    ['limit=-1', 400],
    ['limit=1e9', 400],
    ['limit=NaN', 400],
    ['limit=1&limit=2', 400],
    ['limit[]=1', 400],
    ['limit[a]=1', 400],
    ['__proto__=1', 400],
    ['constructor=1', 400],
    ['__proto__[limit]=1', 400],
    [`status=${'a'.repeat(100)}`, 400],
  ])('the query %s is answered in the one error shape', async (query, status) => {
    const answer = await send(system, 'GET', `/v1/batches?${query}`, { headers: bearer })
    expect([answer.status, errorOf(answer).type]).toEqual([status, 'invalid_request_error'])
  })

  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'a member with the name %s changes no other object, in JSON, in metadata and in lines',
    async (name) => {
      const json = { ...bearer, 'content-type': 'application/json' }
      const member = `"${name}":{"polluted":true,"status":200}`
      const bodies: [string, Record<string, string>, string][] = [
        ['/v1/batches', json, `{"extractor":"person","items":["a"],${member}}`],
        [
          '/v1/batches',
          json,
          `{"extractor":"person","items":[{"text":"a","metadata":{${member}}}],"metadata":{${member}}}`,
        ],
        [
          '/v1/batches?extractor=person',
          { ...bearer, 'content-type': 'application/x-ndjson' },
          `{"text":"a","metadata":{${member}}}\n`,
        ],
        [
          '/v1/extractors',
          json,
          `{"name":"other","schema":{"type":"object","properties":{${member.replace('"polluted":true,"status":200', '"type":"string"')}}}}`,
        ],
      ]
      for (const [path, headers, body] of bodies) {
        const answer = await send(system, 'POST', path, { headers, body })
        expect([path, answer.status < 500]).toEqual([path, true])
      }
      for (const path of ['/v1/batches', '/v1/lanes', '/healthz'])
        expect(
          (await send(system, 'GET', path, { headers: bearer })).text.replaceAll(/"metadata":\{[^}]*\}+/g, ''),
        ).not.toContain('polluted')
    },
  )
})
