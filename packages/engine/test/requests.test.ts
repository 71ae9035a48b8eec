import { batchOptions } from '@sluice/contract/batch'
import type { Call, Outcome } from '@sluice/contract/outcome'
import type { RequestTask } from '@sluice/contract/request-task'
import { expect, test } from 'vitest'
import { setTimeout as sleep } from 'node:timers/promises'
import { extracted, inline, readAll, testSluice, texts } from './harness.ts'

const requests: RequestTask = { object: 'request', endpoint: '/v1/chat/completions', lane: 'default' }
const options = batchOptions.parse({})
const bodies = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `r${i}`, text: JSON.stringify({ model: 'm', messages: [], n: i }) }))

const respond = (body: string, outcome: Outcome = { type: 'responded' }, status = 200): Call => ({
  outcome,
  usage: { input_tokens: 3, output_tokens: 2 },
  cachedInputTokens: 0,
  raw: null,
  response: { status, requestId: 'req', body },
  limits: null,
  latencyMs: 1,
})

test('a batch of requests sends each body as it is and returns each response as it came', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ requests, options }, bodies(100))
  expect(batch).toMatchObject({ task: 'request', extractor: 'request /v1/chat/completions' })
  await sluice.worker(() => extracted({}), { respond: ({ body }) => respond(`{ "echo": ${body}}`) })
  const results = await readAll(engine, batch.id)
  expect(results).toHaveLength(100)
  for (const [i, result] of results.entries()) {
    expect(result).toMatchObject({ id: `r${i}`, status: 'succeeded', attempts: 1 })
    expect(result.response).toEqual({ status_code: 200, request_id: 'req', body: `{ "echo": ${bodies(100)[i]?.text}}` })
  }
  expect((await engine.batches.get(batch.id)).usage).toMatchObject({
    calls: 100,
    input_tokens: 300,
    output_tokens: 200,
  })
})

test('an error that a retry would repeat is the response of its item, and the lane goes on', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ requests, options }, bodies(3))
  const answers: Outcome[] = [
    { type: 'rejected', message: 'HTTP 400: no', status: 400 },
    { type: 'unknown-model', message: 'no model' },
    { type: 'responded' },
  ]
  await sluice.worker(() => extracted({}), {
    respond: ({ body }) => {
      const { n } = JSON.parse(body) as { n: number }
      return respond(`{"n":${n}}`, answers[n], [400, 404, 200][n])
    },
  })
  const results = await readAll(engine, batch.id)
  expect(results.map(({ status, response }) => [status, response?.status_code])).toEqual([
    ['failed', 400],
    ['failed', 404],
    ['succeeded', 200],
  ])
  expect((await engine.batches.get(batch.id)).status).toBe('completed')
})

test('an error that may pass is tried again, and the last response is kept when it does not', async () => {
  const sluice = testSluice({ retry: { unavailable: 3, baseMs: 1, capMs: 5 } })
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ requests, options }, bodies(2))
  const calls = [0, 0]
  const broken: Outcome = { type: 'unavailable', message: 'x', retryAfterMs: 0, timedOut: false, answered: true }
  await sluice.worker(() => extracted({}), {
    respond: ({ body }) => {
      const { n } = JSON.parse(body) as { n: 0 | 1 }
      calls[n] = (calls[n] ?? 0) + 1
      return n === 0 && calls[0] === 2 ? respond('{"ok":1}') : respond(`{"call":${calls[n]}}`, broken, 503)
    },
  })
  const results = await readAll(engine, batch.id)
  expect(calls).toEqual([2, 3])
  expect(results[0]).toMatchObject({ status: 'succeeded', attempts: 2, response: { body: '{"ok":1}' } })
  expect(results[1]).toMatchObject({
    status: 'failed',
    error: { type: 'unavailable' },
    response: { status_code: 503, body: '{"call":3}' },
  })
})

test('the same request in two items is paid once when asked for, and its response is kept for later batches', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  let calls = 0
  await sluice.worker(() => extracted({}), {
    respond: () => {
      calls += 1
      return respond(`{"call":${calls}}`)
    },
  })
  const twice = ['a', 'b'].map((id) => ({ id, text: '{"model":"m"}' }))
  const kept = batchOptions.parse({ deduplicate: true, cache_s: 60 })
  const first = await engine.batches.create({ requests, options: kept }, twice)
  const results = await readAll(engine, first.batch.id)
  const second = await engine.batches.create({ requests, options: kept }, [{ id: 'c', text: '{"model":"m"}' }])
  results.push(...(await readAll(engine, second.batch.id)))
  expect(results.map(({ response }) => response?.body)).toEqual(['{"call":1}', '{"call":1}', '{"call":1}'])
  const other = { ...requests, endpoint: '/v1/completions' as const }
  const third = await engine.batches.create({ requests: other, options: kept }, [{ id: 'd', text: '{"model":"m"}' }])
  expect((await readAll(engine, third.batch.id))[0]?.response?.body).toBe('{"call":2}')
})

test('a batch of requests and one of texts share a lane fairly', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const made: string[] = []
  const note = async (kind: string) => {
    made.push(kind)
    await sleep(10)
  }
  const batches = [
    await engine.batches.create({ requests, options }, bodies(300)),
    await engine.batches.create({ extractor: inline, options }, texts(300)),
  ]
  await sluice.worker(
    async () => {
      await note('text')
      return extracted({})
    },
    {
      concurrency: 10,
      respond: async ({ body }) => {
        await note('request')
        return respond(body)
      },
    },
  )
  for (const { batch } of batches) expect(await readAll(engine, batch.id)).toHaveLength(300)
  expect(made).toHaveLength(600)
  // While both have items, each gets half of the calls.
  const half = made.slice(0, 400).filter((kind) => kind === 'request').length
  expect(half).toBeGreaterThan(130)
  expect(half).toBeLessThan(270)
})
