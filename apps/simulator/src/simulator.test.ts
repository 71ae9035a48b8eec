import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { readSimulatorConfig } from './config.ts'
import { startSimulator } from './simulator.ts'

const schema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
}
const format = { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } }
const john = 'My name is John and I am 20 years old'

async function start(env: Record<string, string> = {}) {
  const simulator = await startSimulator(
    readSimulatorConfig({ SIMULATOR_PORT: '0', SIMULATOR_LATENCY_MS: '0', ...env }),
  )
  onTestFinished(() => simulator.stop())
  const post = async (path: string, body: unknown, init: RequestInit = {}) => {
    const response = await fetch(`${simulator.url}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
    })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answer }
  }
  return {
    ...simulator,
    post,
    ask: (text = john, more: object = {}, init: RequestInit = {}) =>
      post(
        '/v1/chat/completions',
        { model: 'simulator', messages: [{ role: 'user', content: text }], response_format: format, ...more },
        init,
      ),
    script: (fault: string, more: object = {}) => post('/_simulator/faults', { script: [{ fault, ...more }] }),
    stats: async () => (await fetch(`${simulator.url}/_simulator/stats?content=1`)).json() as Promise<Stats>,
  }
}

interface Answer {
  choices: { message: { content: string | null; refusal: string | null }; finish_reason: string }[]
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
  error: { message: string; type: string; param: string | null; code: string | null }
}
interface Stats {
  paid: number
  paid_again: number
  client_left: number
  in_flight: number
  refusals: Record<string, number>
  faults: Record<string, number>
  content: Record<string, number>
}

test('a strict schema is answered from the text, counted and paid', async () => {
  const { ask, stats } = await start()
  const { status, body } = await ask()
  expect(status).toBe(200)
  expect(JSON.parse(body.choices[0]!.message.content!)).toEqual({ name: 'John', age: 20 })
  expect(body.choices[0]!.finish_reason).toBe('stop')
  expect(body.usage.total_tokens).toBe(body.usage.prompt_tokens + body.usage.completion_tokens)
  await ask()
  await ask('I am Ada.')
  const counted = await stats()
  expect(counted).toMatchObject({ paid: 3, paid_again: 1, in_flight: 0 })
  expect(Object.values(counted.content).toSorted((a, b) => a - b)).toEqual([1, 2])
})

test('a schema in the prompt is honoured where there is no strict mode; without any a summary comes', async () => {
  const { ask } = await start()
  const messages = [
    { role: 'system', content: `Answer with JSON of this schema:\n${JSON.stringify(schema)}` },
    { role: 'user', content: john },
  ]
  for (const response_format of [{ type: 'json_object' }, undefined]) {
    const { body } = await ask('', { messages, response_format })
    expect(JSON.parse(body.choices[0]!.message.content!)).toEqual({ name: 'John', age: 20 })
  }
  const { body } = await ask('Ships came. They left.', { response_format: undefined })
  expect('Ships came. They left.').toContain(body.choices[0]!.message.content)
})

test.each([
  ['messages', { messages: undefined }],
  ['messages', { messages: [] }],
  ['messages[0].role', { messages: [{ role: 'robot', content: '' }] }],
  ['response_format.type', { response_format: { type: 'yaml' } }],
  ['response_format.json_schema', { response_format: { type: 'json_schema' } }],
  [
    'response_format.json_schema.name',
    { response_format: { type: 'json_schema', json_schema: { name: 'a b', schema } } },
  ],
  [
    'response_format',
    { response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema: {} } } },
  ],
  ['stream', { stream: true }],
  ['max_tokens', { max_tokens: 0 }],
])('what is wrong with %s is refused with its name', async (param, more) => {
  const { ask } = await start()
  const { status, body } = await ask(john, more)
  expect(status).toBe(400)
  expect(body.error).toMatchObject({ type: 'invalid_request_error', param })
})

test('a schema that strict mode does not allow is refused as OpenAI words it', async () => {
  const { ask } = await start()
  const open = { type: 'object', properties: {}, required: [] }
  const json_schema = { name: 'open', strict: true, schema: open }
  const { body } = await ask(john, { response_format: { type: 'json_schema', json_schema } })
  expect(body.error.message).toMatch(
    /^Invalid schema for response_format 'open': In context=\(\).*additionalProperties/,
  )
})

test('keys, models, methods and paths that are not right are refused', async () => {
  const { ask, post, url } = await start({ SIMULATOR_API_KEY: 'right' })
  const headers = { authorization: 'Bearer right' }
  expect(await ask()).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key' } } })
  expect(await ask(john, {}, { headers: { authorization: 'Bearer wrong' } })).toMatchObject({ status: 401 })
  expect(await ask(john, {}, { headers })).toMatchObject({ status: 200 })
  expect(await ask(john, { model: 'gpt-0' }, { headers })).toMatchObject({
    status: 404,
    body: { error: { code: 'model_not_found' } },
  })
  expect(await post('/v1/chat/completions', '{', { headers })).toMatchObject({ status: 400 })
  expect(await post('/v1/images/generations', {}, { headers })).toMatchObject({ status: 404 })
  expect((await fetch(`${url}/v1/chat/completions`, { headers })).status).toBe(405)
  expect((await fetch(`${url}/v1/models/simulator`, { headers })).status).toBe(200)
  expect((await fetch(`${url}/v1/models/gpt-0`, { headers })).status).toBe(404)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})

test('beyond the limit of requests calls are refused and told when to come again', async () => {
  const { ask, stats } = await start({ SIMULATOR_RPM: '60', SIMULATOR_BURST_S: '2' })
  const first = await ask()
  expect(first.headers.get('x-ratelimit-limit-requests')).toBe('60')
  expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('1')
  expect(first.headers.get('x-ratelimit-reset-requests')).toBe('1s')
  await ask()
  const refused = await ask()
  expect(refused.status).toBe(429)
  expect(refused.body.error).toMatchObject({ type: 'requests', code: 'rate_limit_exceeded' })
  expect(refused.body.error.message).toMatch(/^Rate limit reached for simulator.*Please try again in \d+ms\.$/)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(Number(refused.headers.get('retry-after-ms'))).toBeGreaterThan(500)
  expect(await stats()).toMatchObject({ paid: 2, refusals: { requests: 1 } })
  await sleep(Number(refused.headers.get('retry-after-ms')) + 20)
  expect((await ask()).status).toBe(200)
})

test('tokens are taken as the larger of the prompt and the most the answer may have', async () => {
  const { ask } = await start({ SIMULATOR_TPM: '6000' })
  const first = await ask(john, { max_tokens: 4_000 })
  expect(first.headers.get('x-ratelimit-remaining-tokens')).toBe('2000')
  const refused = await ask(john, { max_tokens: 4_000 })
  expect(refused.body.error).toMatchObject({ type: 'tokens', code: 'rate_limit_exceeded' })
  const never = await ask(john, { max_tokens: 7_000 })
  expect(never.body.error.message).toMatch(/^Request too large/)
  expect(never.headers.get('retry-after')).toBeNull()
})

test('limits change while it runs, and headers can be off', async () => {
  const { ask, post } = await start({ SIMULATOR_HEADERS: 'off' })
  expect(await post('/_simulator/limits', { rpm: 1 })).toMatchObject({ status: 200, body: { rpm: 1, tpm: null } })
  expect((await ask()).headers.get('x-ratelimit-limit-requests')).toBeNull()
  expect((await ask()).status).toBe(429)
  await post('/_simulator/limits', { rpm: null })
  expect((await ask()).status).toBe(200)
  expect(await post('/_simulator/limits', { rps: 1 })).toMatchObject({ status: 400 })
  expect(await post('/_simulator/faults', { rates: { flood: 1 } })).toMatchObject({ status: 400 })
  expect(await post('/_simulator/latency', {})).toMatchObject({ status: 400, body: { error: { param: 'p50_ms' } } })
})

test('an answer that may not be so long is cut off', async () => {
  const { ask } = await start()
  const { body } = await ask(john, { max_completion_tokens: 2 })
  expect(body.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '{"name":' } })
  expect(body.usage.completion_tokens).toBe(2)
})

test.each([
  ['rate_limit', 429, 'rate_limit_exceeded'],
  ['insufficient_quota', 429, 'insufficient_quota'],
  ['request_too_large', 429, 'rate_limit_exceeded'],
  ['500', 500, null],
  ['503', 503, null],
  ['529', 529, null],
  ['401', 401, 'invalid_api_key'],
  ['404', 404, 'model_not_found'],
])('the fault %s is a %d and is not paid', async (fault, status, code) => {
  const { ask, script, stats } = await start()
  await script(fault, { retry_after_s: 7 })
  const answer = await ask()
  expect(answer).toMatchObject({ status, body: { error: { code } } })
  expect(answer.headers.get('retry-after')).toBe(fault === 'rate_limit' ? '7' : null)
  expect((await ask()).status).toBe(200)
  expect(await stats()).toMatchObject({ paid: 1, faults: { [fault]: 1 } })
})

test('faults of the answer show in it, and are paid', async () => {
  const { ask, script, stats } = await start()
  const after = async (fault: string) => {
    await script(fault)
    return (await ask()).body.choices[0]!
  }
  const bad = await after('bad_json')
  expect(() => JSON.parse(bad.message.content!)).toThrow(SyntaxError)
  expect((await after('fenced_json')).message.content).toMatch(/```json\n\{.*\}\n```$/s)
  expect(JSON.parse((await after('schema_violation')).message.content!)).toEqual({
    name: { unexpected: true },
    age: 20,
  })
  expect((await after('refusal')).message).toMatchObject({ content: null, refusal: expect.stringContaining('sorry') })
  expect(await after('truncation')).toMatchObject({ finish_reason: 'length' })
  expect(await after('content_filter')).toMatchObject({ finish_reason: 'content_filter' })
  expect((await after('empty')).message.content).toBe('')
  expect((await stats()).paid).toBe(7)
})

test('a 200 may hold an error, a page, or a completion that is broken', async () => {
  const { url, script, stats } = await start()
  const after = async (fault: string) => {
    await script(fault)
    const messages = [{ role: 'user', content: john }]
    const body = JSON.stringify({ model: 'simulator', messages, response_format: format })
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body })
    expect(response.status).toBe(200)
    return { type: response.headers.get('content-type'), text: await response.text() }
  }
  expect(JSON.parse((await after('rate_limit_in_200')).text)).toMatchObject({ error: { code: 429 } })
  expect(JSON.parse((await after('error_in_200')).text)).toMatchObject({ error: { code: 502 } })
  expect(await after('html')).toEqual({ type: 'text/html', text: expect.stringMatching(/^<!doctype html>/) as string })
  expect((await stats()).paid).toBe(0)
  const { text: broken } = await after('broken_body')
  expect(broken).toMatch(/^\{"id":/)
  expect(() => JSON.parse(broken)).toThrow(SyntaxError)
  expect(JSON.parse((await after('no_message')).text).choices).toEqual([{ index: 0, finish_reason: 'stop' }])
  expect(JSON.parse((await after('odd_usage')).text).usage).toMatchObject({
    prompt_tokens: 5.5,
    completion_tokens: '3',
  })
  expect((await stats()).paid).toBe(3)
})

test('a connection is cut before the answer, or after it was paid', async () => {
  const { ask, script, stats } = await start()
  await script('cut')
  await expect(ask()).rejects.toThrow('fetch failed')
  expect((await stats()).paid).toBe(0)
  await script('cut_after')
  await expect(ask()).rejects.toThrow('fetch failed')
  expect((await stats()).paid).toBe(1)
})

test('a client that leaves ends its call, which is not paid', async () => {
  const { ask, script, stats } = await start()
  await script('hang')
  await expect(ask(john, {}, { signal: AbortSignal.timeout(100) })).rejects.toThrow('timeout')
  await expect.poll(stats).toMatchObject({ paid: 0, client_left: 1, in_flight: 0 })
})

test('latency is what it is set to, ten times as long for a slow call, and grows beyond the capacity', async () => {
  const { ask, post, script } = await start({ SIMULATOR_CAPACITY: '2' })
  await post('/_simulator/latency', { p50_ms: 30, spread: 0 })
  const timed = async (run: () => Promise<unknown>) => {
    const began = performance.now()
    await run()
    return performance.now() - began
  }
  expect(await timed(ask)).toBeGreaterThan(28)
  await script('slow')
  expect(await timed(ask)).toBeGreaterThan(290)
  expect(await timed(() => Promise.all(Array.from({ length: 20 }, () => ask())))).toBeGreaterThan(250)
})

test('a reset goes back to the start', async () => {
  const { ask, post, script, stats } = await start()
  await ask()
  await post('/_simulator/limits', { rpm: 1 })
  await script('500', { times: 5 })
  await post('/_simulator/reset', {})
  expect(await stats()).toMatchObject({ paid: 0, content: {} })
  expect((await ask()).status).toBe(200)
  expect((await ask()).status).toBe(200)
})

test.each([
  [{ SIMULATOR_FAULTS: 'flood=0.1' }, 'SIMULATOR_FAULTS'],
  [{ SIMULATOR_PORT: 'high' }, 'SIMULATOR_PORT: must be a number'],
  [{ SIMULATOR_SPEED: '1' }, 'SIMULATOR_SPEED is no variable of the simulator'],
])('a configuration that is not right is refused with its name: %o', (env, message) => {
  expect(() => readSimulatorConfig(env)).toThrow(message)
})
