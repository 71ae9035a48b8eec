import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Extractor } from '@sluice/contract/extractor'
import { laneConfig } from '@sluice/contract/lane'
import { expect, onTestFinished, test } from 'vitest'
import { createProvider, type ProviderOptions } from './provider.ts'

const extractor: Extractor = {
  object: 'extractor',
  name: 'person',
  version: 1,
  schema: {
    type: 'object',
    properties: { name: { type: 'string', minLength: 2 }, age: { type: 'integer' } },
    required: ['name'],
  },
  instructions: 'Who is it?',
  lane: 'default',
  parameters: { temperature: 0, max_tokens: 50 },
  reasks: 2,
  created_at: 0,
}
const never = new AbortController().signal

interface Asked {
  readonly body: any
  readonly headers: IncomingMessage['headers']
  readonly port: number
}

/** A provider on a real socket that answers as the test says. */
async function serve(answer: (res: ServerResponse, asked: Asked) => void) {
  const asked: Asked[] = []
  const receive = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body: unknown = JSON.parse(await text(req))
    const one = { body, headers: req.headers, port: req.socket.remotePort ?? 0 }
    asked.push(one)
    answer(res, one)
  }
  const server = createServer((req, res) => void receive(req, res))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { asked, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }
}

function provider(baseUrl: string, lane: Record<string, unknown> = {}, options: ProviderOptions = {}) {
  const made = createProvider(laneConfig.parse({ baseUrl, model: 'm', apiKey: 'secret', ...lane }), options)
  onTestFinished(() => made[Symbol.asyncDispose]())
  return made
}

function json(res: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

function completion(message: object, finish_reason = 'stop') {
  return {
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
    usage: { prompt_tokens: 30, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 10 } },
  }
}

const ask = { extractor, text: 'Ada is 36', reasks: [] }

test('a call asks in strict form, drops the nulls it added, and tells usage, raw answer and limits', async () => {
  const { asked, baseUrl } = await serve((res) =>
    json(res, 200, completion({ content: '{"name":"Ada","age":null}' }), {
      'x-ratelimit-limit-requests': '500',
      'x-ratelimit-remaining-requests': '499',
    }),
  )
  const call = await provider(baseUrl).extract(ask, { signal: never })

  expect(call).toMatchObject({
    outcome: { type: 'extracted', data: { name: 'Ada' } },
    usage: { input_tokens: 30, output_tokens: 7 },
    cachedInputTokens: 10,
    raw: '{"name":"Ada","age":null}',
    limits: [{ name: 'requests', unit: 'requests', limit: 500, remaining: 499 }],
  })
  expect(asked[0]?.headers.authorization).toBe('Bearer secret')
  expect(asked[0]?.body).toEqual({
    model: 'm',
    temperature: 0,
    max_tokens: 50,
    messages: [
      { role: 'system', content: 'Who is it?' },
      { role: 'user', content: 'Ada is 36' },
    ],
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'person',
        strict: true,
        schema: {
          type: 'object',
          properties: { name: { type: 'string', description: 'minLength: 2' }, age: { type: ['integer', 'null'] } },
          required: ['name', 'age'],
          additionalProperties: false,
        },
      },
    },
  })
})

test('a re-ask shows the model its answer and the errors', async () => {
  const { asked, baseUrl } = await serve((res) => json(res, 200, completion({ content: '{"name":"Ada"}' })))
  const reasks = [{ raw: '{"name":"A"}', errors: ['/name: must NOT have fewer than 2 characters; got "A"'] }]
  await provider(baseUrl).extract({ ...ask, reasks }, { signal: never })
  expect(asked[0]?.body.messages.slice(2)).toEqual([
    { role: 'assistant', content: '{"name":"A"}' },
    {
      role: 'user',
      content: expect.stringContaining('/name: must NOT have fewer than 2 characters; got "A"') as string,
    },
  ])
})

test.each<[string, object, object]>([
  [
    'invalid by the schema as its author wrote it',
    completion({ content: '{"name":"A"}' }),
    { type: 'invalid-output', errors: [expect.stringContaining('/name: ')] },
  ],
  ['not JSON', completion({ content: 'Ada, I think' }), { type: 'invalid-output' }],
  ['no choices', { choices: [] }, { type: 'invalid-output', errors: ['the answer has no choices'] }],
  ['a refusal', completion({ content: null, refusal: 'I cannot.' }), { type: 'refused', message: 'I cannot.' }],
  ['cut off at the most tokens', completion({ content: '{"na' }, 'length'), { type: 'truncated' }],
  ['filtered', completion({ content: '' }, 'content_filter'), { type: 'filtered' }],
])('an answer that was paid for is told apart: %s', async (_, body, outcome) => {
  const { baseUrl } = await serve((res) => json(res, 200, body))
  expect((await provider(baseUrl).extract(ask, { signal: never })).outcome).toMatchObject(outcome)
})

test('a refused request is classified by its body, with the limits of its headers', async () => {
  const { baseUrl } = await serve((res) =>
    json(
      res,
      429,
      { error: { message: 'Rate limit reached', type: 'tokens', code: 'rate_limit_exceeded' } },
      { 'retry-after-ms': '90', 'x-ratelimit-limit-tokens': '1000', 'x-ratelimit-remaining-tokens': '0' },
    ),
  )
  expect(await provider(baseUrl).extract(ask, { signal: never })).toMatchObject({
    outcome: { type: 'rate-limited', scope: 'tokens', retryAfterMs: 90 },
    usage: { input_tokens: 0, output_tokens: 0 },
    raw: null,
    limits: [{ name: 'tokens', unit: 'tokens', limit: 1000, remaining: 0 }],
  })
})

test('nothing is retried here', async () => {
  const { asked, baseUrl } = await serve((res) => json(res, 500, {}))
  expect((await provider(baseUrl).extract(ask, { signal: never })).outcome).toMatchObject({
    type: 'unavailable',
    answered: true,
  })
  expect(asked).toHaveLength(1)
})

test('a time-out is told and closes the socket', async () => {
  let closed = false
  const { baseUrl } = await serve((res) => res.on('close', () => (closed = true)))
  const { outcome } = await provider(baseUrl, { timeoutMs: 200 }).extract(ask, { signal: never })
  expect(outcome).toMatchObject({ type: 'unavailable', timedOut: true, answered: false })
  await expect.poll(() => closed).toBe(true)
})

test('an abort rejects with its reason and closes the socket', async () => {
  let closed = false
  const stop = new AbortController()
  const { baseUrl } = await serve((res) => {
    res.on('close', () => (closed = true))
    stop.abort(new Error('cancelled'))
  })
  await expect(provider(baseUrl).extract(ask, { signal: stop.signal })).rejects.toThrow('cancelled')
  await expect.poll(() => closed).toBe(true)
})

test('a cut connection may have been paid, a refused one was not', async () => {
  const { baseUrl } = await serve((res) => res.destroy())
  expect((await provider(baseUrl).extract(ask, { signal: never })).outcome).toMatchObject({
    type: 'unavailable',
    answered: false,
  })
  expect((await provider('http://127.0.0.1:9/v1').extract(ask, { signal: never })).outcome).toMatchObject({
    type: 'unavailable',
    answered: true,
  })
})

test('connections are kept', async () => {
  const { asked, baseUrl } = await serve((res) => json(res, 200, completion({ content: '{"name":"Ada"}' })))
  const one = provider(baseUrl)
  for (let i = 0; i < 10; i += 1) await one.extract(ask, { signal: never })
  // An answer may be read before its socket is free again.
  expect(new Set(asked.map(({ port }) => port)).size).toBeLessThanOrEqual(2)
})

test.each([
  ['json_object', { type: 'json_object' }],
  ['prompt', undefined],
])('a lane of the mode %s shows the schema in the prompt', async (structuredOutput, format) => {
  const { asked, baseUrl } = await serve((res) => json(res, 200, completion({ content: '{"name":"Ada"}' })))
  await provider(baseUrl, { structuredOutput }).extract(ask, { signal: never })
  expect(asked[0]?.body.response_format).toEqual(format)
  expect(asked[0]?.body.messages[0].content).toContain(JSON.stringify(extractor.schema))
})

test("code's own check takes the place of the schema's", async () => {
  const { baseUrl } = await serve((res) => json(res, 200, completion({ content: '{"name":"A"}' })))
  const refine = () => async (data: unknown) => ({ type: 'valid' as const, data: { seen: data } })
  expect((await provider(baseUrl, {}, { refine }).extract(ask, { signal: never })).outcome).toEqual({
    type: 'extracted',
    data: { seen: { name: 'A' } },
  })
})

const answered = (content: unknown) => completion({ content })

test.each<[string, unknown]>([
  ['parts', [{ type: 'text', text: '{"name":' }, { type: 'reasoning' }, { type: 'text', text: '"Ada"}' }]],
  ['the object itself', { name: 'Ada' }],
])('an answer whose content is %s is read', async (_, content) => {
  const { baseUrl } = await serve((res) => json(res, 200, answered(content)))
  expect(await provider(baseUrl).extract(ask, { signal: never })).toMatchObject({
    outcome: { type: 'extracted', data: { name: 'Ada' } },
    raw: '{"name":"Ada"}',
    usage: { input_tokens: 30, output_tokens: 7 },
  })
})

test.each<[string, unknown, object]>([
  [
    'broken JSON',
    '{"choices":[{"mess',
    { outcome: { type: 'unavailable', answered: false }, raw: '{"choices":[{"mess' },
  ],
  ['an empty body', '', { outcome: { type: 'unavailable' }, raw: null }],
  ['null', null, { outcome: { type: 'unavailable' } }],
  ['a page', '<html></html>', { outcome: { type: 'unavailable' } }],
  [
    'an error',
    { error: { code: 429, message: 'slow' }, usage: { prompt_tokens: 4 } },
    { outcome: { type: 'rate-limited' }, usage: { input_tokens: 4 } },
  ],
  [
    'a choice without a message',
    { choices: [{ finish_reason: 'stop' }], usage: { prompt_tokens: 4 } },
    { outcome: { type: 'invalid-output', errors: ['the answer has no message'] }, usage: { input_tokens: 4 } },
  ],
  ['a choice that is null', { choices: [null] }, { outcome: { type: 'invalid-output' } }],
  [
    'a choice that broke off',
    { choices: [{ finish_reason: 'error', error: { code: 502, message: 'upstream' }, message: { content: '{"na' } }] },
    { outcome: { type: 'unavailable', message: 'HTTP 502: upstream' }, raw: '{"na' },
  ],
])('a 200 with %s becomes an outcome', async (_, body, call) => {
  const { baseUrl } = await serve((res) => {
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  expect(await provider(baseUrl).extract(ask, { signal: never })).toMatchObject(call)
})

test('a 204 and a redirection become outcomes', async () => {
  const statuses = [204, 302]
  const { baseUrl } = await serve((res) => res.writeHead(statuses.shift()!, { location: 'http://127.0.0.1:9/' }).end())
  const one = provider(baseUrl)
  expect((await one.extract(ask, { signal: never })).outcome).toMatchObject({ type: 'unavailable' })
  expect((await one.extract(ask, { signal: never })).outcome).toMatchObject({ type: 'wrong-url' })
})

test.each<[unknown, object, number]>([
  [{ prompt_tokens: 5.5, completion_tokens: '3' }, { input_tokens: 6, output_tokens: 3 }, 0],
  [{ prompt_tokens: -5, completion_tokens: 'many' }, { input_tokens: 0, output_tokens: 0 }, 0],
  [{ prompt_tokens: 1e300, completion_tokens: null }, { input_tokens: 1e9, output_tokens: 0 }, 0],
  [
    { prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 9 } },
    { input_tokens: 5, output_tokens: 1 },
    5,
  ],
  ['none', { input_tokens: 0, output_tokens: 0 }, 0],
])('usage is whole numbers, whatever was told: %j', async (usage, counted, cached) => {
  const { baseUrl } = await serve((res) => json(res, 200, { ...answered('{"name":"Ada"}'), usage }))
  expect(await provider(baseUrl).extract(ask, { signal: never })).toMatchObject({
    outcome: { type: 'extracted' },
    usage: counted,
    cachedInputTokens: cached,
  })
})

test('a check in code that throws is the fault of its author, in words that do not quote the answer', async () => {
  const { baseUrl } = await serve((res) => json(res, 200, answered('{"name":"a secret"}')))
  const refine = () => (data: unknown) => Promise.reject(new TypeError(JSON.stringify(data)))
  expect((await provider(baseUrl, {}, { refine }).extract(ask, { signal: never })).outcome).toEqual({
    type: 'broken-check',
    message: "The check of the extractor's own code failed (TypeError).",
  })
})

test('an answer that a recursive schema cannot follow is invalid output', async () => {
  const schema = { type: 'object', properties: { in: { $ref: '#' }, some: { type: 'string' } } }
  const deep = `${'{"in":'.repeat(2_000)}{}${'}'.repeat(2_000)}`
  const { baseUrl } = await serve((res) => json(res, 200, answered(deep)))
  const { outcome } = await provider(baseUrl).extract(
    { ...ask, extractor: { ...extractor, schema } },
    { signal: never },
  )
  expect(outcome.type).toBe('invalid-output')
})

test('an answer is read up to 16 MB', async () => {
  const { baseUrl } = await serve((res) => json(res, 200, answered('x'.repeat(17 * 1024 * 1024))))
  expect((await provider(baseUrl).extract(ask, { signal: never })).outcome).toEqual({
    type: 'truncated',
    message: 'The answer is larger than 16 MB: set max_tokens.',
  })
})

test('64 KB of an answer are kept, and lines of errors are short', async () => {
  const { baseUrl } = await serve((res) => json(res, 200, answered(JSON.stringify({ ['k'.repeat(100_000)]: 1 }))))
  const schema = { ...extractor.schema, additionalProperties: false }
  const { outcome, raw } = await provider(baseUrl).extract(
    { ...ask, extractor: { ...extractor, schema } },
    { signal: never },
  )
  expect(raw).toHaveLength(64 * 1024 + 1)
  expect(outcome.type).toBe('invalid-output')
  expect(JSON.stringify(outcome).length).toBeLessThan(2_000)
})
