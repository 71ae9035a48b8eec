import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyContentTypes, bodyTypes, type BodyType, type Route } from '@sluice/contract/route'
import { routes } from '@sluice/contract/routes'
import express from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBounds } from '../gate/bounds.ts'
import { createMemory } from '../gate/memory.ts'
import { bodyTypeOf, createReadBody } from './read-body.ts'

const app = express()
const server = createServer(app)
const table = Object.entries<Route>(routes).filter(([, { method }]) => method === 'post' || method === 'patch')

beforeAll(async () => {
  app.use((req, res, next) => {
    openBounds(req, res, createMemory(1_000_000), { bodyIdleMs: 10_000, readerStallMs: 10_000 })
    next()
  })
  const readBody = createReadBody(1_000)
  for (const [name, route] of table) {
    app.post(`/${name}`, readBody(route), (req, res) => {
      res.json({ type: bodyTypeOf(route, req), body: (req.body as unknown) ?? null })
    })
  }
  app.use(((error, _req, res, _next) => {
    const { code, message } = error as { code: string; message: string }
    res.status(400).json({ code, message })
  }) satisfies express.ErrorRequestHandler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server.close())

async function send(name: string, contentType: string | null, body: string | null): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`, {
    method: 'POST',
    headers: contentType === null ? {} : { 'content-type': contentType },
    body: body === null ? null : Buffer.from(body),
  })
  return (await response.json()) as Record<string, unknown>
}

test.each(table)(
  '%s accepts the forms of body that its route declares, and names them when it rejects another',
  async (name, route) => {
    const accepted = bodyTypes(route)
    for (const type of ['json', 'lines', 'form'] satisfies BodyType[]) {
      const answer = await send(name, `${bodyContentTypes[type]}; charset=utf-8`, '{}')
      // A route without a body ignores JSON.
      if (accepted.includes(type) || (accepted.length === 0 && type === 'json')) expect(answer).toMatchObject({ type })
      else expect(answer).toMatchObject({ code: 'unsupported_media_type' })
    }
    const { code, message } = await send(name, 'text/plain', 'hello')
    expect(code).toBe('unsupported_media_type')
    for (const type of accepted) expect(message).toContain(bodyContentTypes[type])
  },
)

test.each([
  ['an empty body counts as none', null, null, { type: 'json', body: null }],
  ['JSON is parsed', 'application/json', '{"a":1}', { type: 'json', body: { a: 1 } }],
  ['JSON that is not valid is rejected', 'application/json', '{', { code: 'invalid_json' }],
  ['a large body is rejected', 'application/json', JSON.stringify('x'.repeat(1_000)), { code: 'too_large' }],
])('%s', async (_, contentType, body, expected) => {
  expect(await send('createBatch', contentType, body)).toMatchObject(expected)
})

test('a route that accepts only streams rejects a request without one', async () => {
  expect(await send('appendItems', null, null)).toMatchObject({ code: 'unsupported_media_type' })
})
