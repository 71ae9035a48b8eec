import { beforeAll, describe, expect, test } from 'vitest'
import { people, person, startSystem, type System } from '../support/system.ts'
import { basic, bearer, errorOf, secured, send } from './attack.ts'

const batch = JSON.stringify({ extractor: person, items: people(3) })
const json = { 'content-type': 'application/json' }
/** Everything that changes something, Bull Board included. */
const acts: [string, string][] = [
  ['POST', '/v1/batches'],
  ['POST', '/v1/extract'],
  ['POST', '/v1/extractors'],
  ['POST', '/v1/summaries'],
  ['POST', '/v1/lanes/default/resume'],
  ['POST', '/v1/batches/batch_x/cancel'],
  ['PATCH', '/v1/batches/batch_x'],
  ['DELETE', '/v1/batches/batch_x'],
  ['PUT', '/queues/api/queues/batches/pause'],
  ['POST', '/login'],
  ['POST', '/logout'],
]
const foreign: [string, Record<string, string>][] = [
  ['another host', { origin: 'https://evil.example' }],
  ['another port of this host', { origin: 'http://127.0.0.1:1' }],
  ['a sandboxed frame', { origin: 'null' }],
  ['a site that names no origin', { 'sec-fetch-site': 'cross-site' }],
  ['a neighbour of the same site', { 'sec-fetch-site': 'same-site' }],
  ['a host whose name begins like ours', { origin: 'http://127.0.0.1.evil.example' }],
]

describe.each([
  ['with keys, by the credentials that a browser adds', secured, basic],
  ['with keys and none sent', secured, {}],
  ['without keys', {}, {}],
])('%s', (_, env: Record<string, string>, credentials: Record<string, string>) => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ env, keepFor: 'file' })
  })

  test.each(foreign)('a page of %s changes nothing', async (_, headers) => {
    for (const [method, path] of acts) {
      for (const type of [
        json,
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/x-www-form-urlencoded' },
      ]) {
        const answer = await send(system, method, path, {
          headers: { ...credentials, ...headers, ...type },
          body: batch,
        })
        expect([method, path, answer.status, errorOf(answer).code]).toEqual([method, path, 401, 'foreign_origin'])
        expect(answer.headers['www-authenticate']).toBeUndefined()
      }
    }
  })

  test('a page of another site cannot hold streams open', async () => {
    const headers = {
      ...credentials,
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'no-cors',
      'sec-fetch-dest': 'image',
    }
    const answer = await send(system, 'GET', '/v1/batches/batch_x/results?follow=true', { headers })
    expect(errorOf(answer).code).toBe('foreign_origin')
  })
})

describe('with keys', () => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ env: secured, keepFor: 'file' })
  })

  test('a bearer token acts from anywhere, since a page cannot send one by itself', async () => {
    const headers = { ...bearer, ...json, origin: 'https://app.example', 'sec-fetch-site': 'cross-site' }
    expect((await send(system, 'POST', '/v1/batches', { headers, body: batch })).status).toBe(202)
  })

  test.each([
    ['its own page', { origin: 'OWN', 'sec-fetch-site': 'same-origin' }],
    ['its own form that sends no referrer', { origin: 'null', 'sec-fetch-site': 'same-origin' }],
    ['a program', {}],
  ])('HTTP Basic acts from %s', async (_, headers: Record<string, string>) => {
    const own = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace('OWN', system.url)]),
    )
    const answer = await send(system, 'POST', '/v1/batches', { headers: { ...basic, ...json, ...own }, body: batch })
    expect(answer.status).toBe(202)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'text/plain; charset=application/json'])(
    'a body of the type %s is refused where JSON is meant',
    async (type) => {
      for (const path of [
        '/v1/batches',
        '/v1/extract',
        '/v1/summaries',
        '/v1/extractors',
        '/v1/batches/batch_x/retry',
      ]) {
        const headers = { ...bearer, 'content-type': type }
        expect((await send(system, 'POST', path, { headers, body: batch })).status).toBe(415)
      }
    },
  )
})
