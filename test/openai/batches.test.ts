import { Redis } from 'ioredis'
import { beforeAll, expect, inject, test } from 'vitest'
import {
  chatLines,
  ended,
  type Line,
  openAi,
  readLines,
  startBatch,
  untilStatus,
  uploadBatch,
} from '../support/openai.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ keepFor: 'file', simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
})

test("OpenAI's client runs a batch from its file to its output", async () => {
  const client = openAi(system)
  const file = await uploadBatch(client, chatLines(20))
  expect(file).toMatchObject({ object: 'file', purpose: 'batch', filename: 'batch.jsonl' })
  expect(file.expires_at).toBe(file.created_at + 30 * 86_400)
  expect((await client.files.waitForProcessing(file.id)).status).toBe('processed')
  const fresh = await client.batches.create({
    input_file_id: file.id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { customer: 'a' },
  })
  expect(fresh).toMatchObject({
    object: 'batch',
    status: 'validating',
    endpoint: '/v1/chat/completions',
    input_file_id: file.id,
    completion_window: '24h',
    errors: null,
    output_file_id: null,
    error_file_id: null,
    in_progress_at: null,
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
    metadata: { customer: 'a' },
  })
  expect(fresh.expires_at).toBe(fresh.created_at + 86_400)
  const batch = await ended(client, fresh.id)
  expect(batch).toMatchObject({
    status: 'completed',
    model: 'simulator',
    error_file_id: null,
    request_counts: { total: 20, completed: 20, failed: 0 },
  })
  expect(batch.usage?.total_tokens).toBe(batch.usage!.input_tokens + batch.usage!.output_tokens)
  expect(batch.usage?.output_tokens).toBeGreaterThan(0)
  const lines = await readLines(client, batch.output_file_id)
  expect(lines.map(({ custom_id: id }) => id as string).toSorted()).toEqual(
    chatLines(20)
      .map(({ custom_id: id }) => id as string)
      .toSorted(),
  )
  for (const line of lines) {
    expect(line.id).toMatch(/^batch_req_/)
    expect(line.error).toBeNull()
    expect(line.response.status_code).toBe(200)
    expect(line.response.request_id).toEqual(expect.any(String))
    expect(line.response.body).toMatchObject({ object: 'chat.completion', model: 'simulator' })
  }
  const output = await client.files.retrieve(batch.output_file_id!)
  expect(output).toMatchObject({ purpose: 'batch_output', status: 'processed', filename: `${batch.id}_output.jsonl` })
  const text = await (await client.files.content(output.id)).text()
  expect(Buffer.byteLength(text)).toBe(output.bytes)
})

test('a batch can be cancelled: what was done is in the output, the rest in the error file, and nothing counts as failed', async () => {
  const client = openAi(system)
  await system.simulator.set('latency', { p50_ms: 300 })
  const { id } = await startBatch(client, chatLines(2_000))
  await untilStatus(client, id, ({ request_counts: counts }) => (counts?.completed ?? 0) > 50)
  expect((await client.batches.cancel(id)).status).toMatch(/^cancell(ing|ed)$/)
  const batch = await ended(client, id)
  expect(batch).toMatchObject({ status: 'cancelled', request_counts: { total: 2_000, failed: 0 } })
  expect(batch.cancelling_at).not.toBeNull()
  expect(batch.cancelled_at).not.toBeNull()
  const output = await readLines(client, batch.output_file_id)
  const rest = await readLines(client, batch.error_file_id)
  expect(output).toHaveLength(batch.request_counts!.completed)
  expect(output.length + rest.length).toBe(2_000)
  expect(rest[0]).toMatchObject({ response: null, error: { code: 'batch_cancelled' } })
  // Cancelling it again changes nothing.
  expect((await client.batches.cancel(id)).status).toBe('cancelled')
  await system.simulator.set('latency', { p50_ms: 5 })
})

test('all requests failed: the batch is completed, with an error file and no output file', async () => {
  const client = openAi(system)
  const lines = chatLines(9).map((line) => ({ ...line, body: { ...(line.body as object), n: 2 } }))
  const batch = await ended(client, (await startBatch(client, lines)).id)
  expect(batch).toMatchObject({
    status: 'completed',
    output_file_id: null,
    errors: null,
    request_counts: { total: 9, completed: 0, failed: 9 },
  })
  for (const line of await readLines(client, batch.error_file_id)) {
    // As at OpenAI, the fault is in the response, and `error` is null.
    expect(line).toMatchObject({
      error: null,
      response: { status_code: 400, body: { error: { type: 'invalid_request_error', param: 'n' } } },
    })
  }
})

test.each([
  ['/v1/responses', { input: 'Hello' }, { object: 'response' }],
  ['/v1/embeddings', { input: ['one', 'two'] }, { object: 'list', data: [{ index: 0 }, { index: 1 }] }],
  ['/v1/completions', { prompt: 'Hello' }, { object: 'text_completion' }],
  ['/v1/moderations', { input: 'Hello' }, { results: [{ flagged: false }] }],
] as const)('requests to %s are batched, too', async (endpoint, input, answer) => {
  const client = openAi(system)
  const lines: Line[] = [1, 2].map((n) => ({
    custom_id: `r${n}`,
    method: 'POST',
    url: endpoint,
    body: { model: 'simulator', ...input },
  }))
  const batch = await ended(client, (await startBatch(client, lines, { endpoint })).id)
  expect(batch).toMatchObject({ status: 'completed', endpoint, request_counts: { completed: 2 } })
  for (const { response } of await readLines(client, batch.output_file_id)) expect(response.body).toMatchObject(answer)
})

test('batches are listed newest first, page by page', async () => {
  const client = openAi(system)
  const made: string[] = []
  for (let i = 0; i < 5; i += 1) made.push((await startBatch(client, chatLines(1))).id)
  const seen: string[] = []
  for await (const { id } of client.batches.list({ limit: 2 })) {
    seen.push(id)
    if (seen.length === 5) break
  }
  expect(seen).toEqual(made.toReversed())
  const all: string[] = []
  for await (const { id } of client.batches.list({ limit: 3 })) all.push(id)
  expect(new Set(all).size).toBe(all.length)
  expect(all).toEqual(expect.arrayContaining(made))
  for (const id of made) await ended(client, id)
})

test('only a batch that has not ended can be cancelled', async () => {
  const client = openAi(system)
  const { id } = await startBatch(client, chatLines(1))
  await ended(client, id)
  await expect(client.batches.cancel(id)).rejects.toMatchObject({
    status: 409,
    error: { message: "Cannot cancel a batch with status 'completed'.", type: 'invalid_request_error', code: null },
  })
  await expect(client.batches.cancel('batch_none')).rejects.toMatchObject({
    status: 404,
    error: { message: expect.stringContaining('No batch found') as string },
  })
})

test('a batch whose window is over expires: what was done is in the output, the rest in the error file', async () => {
  const client = openAi(system)
  await system.simulator.set('latency', { p50_ms: 300 })
  const { id } = await startBatch(client, chatLines(2_000))
  await untilStatus(client, id, ({ request_counts: counts }) => (counts?.completed ?? 0) > 50)
  // As if 24 hours had passed.
  await using redis = await redisOf(id)
  await redis.client.hset(redis.key, 'expiresAt', Date.now() - 1)
  const batch = await ended(client, id)
  expect(batch).toMatchObject({ status: 'expired', request_counts: { total: 2_000, failed: 0 } })
  expect(batch.expired_at).not.toBeNull()
  const output = await readLines(client, batch.output_file_id)
  const rest = await readLines(client, batch.error_file_id)
  expect(output.length + rest.length).toBe(2_000)
  expect(rest[0]).toMatchObject({
    response: null,
    error: {
      code: 'batch_expired',
      message: 'This request could not be executed before the completion window expired.',
    },
  })
  await system.simulator.set('latency', { p50_ms: 5 })
})

test('output files expire when their batch asked for it, and an expired file is not there', async () => {
  const client = openAi(system)
  const more = { output_expires_after: { anchor: 'created_at', seconds: 3_600 } } as const
  const batch = await ended(client, (await startBatch(client, chatLines(1), more)).id)
  const output = await client.files.retrieve(batch.output_file_id!)
  expect(output.expires_at! - output.created_at).toBe(3_600)
  await using redis = await redisOf(batch.id)
  const key = redis.key.replace(/\{.*\}:file-batch/, `{${output.id}}:meta`)
  await redis.client.hset(key, 'expiresAt', Date.now() - 1)
  await expect(client.files.content(output.id)).rejects.toMatchObject({ status: 404 })
})

test('the same batch is there as a native one, which can be steered but not retried', async () => {
  const client = openAi(system)
  await system.simulator.set('latency', { p50_ms: 200 })
  const { id } = await startBatch(client, chatLines(300))
  await untilStatus(client, id, ({ status }) => status === 'in_progress')
  expect((await system.request('POST', `/v1/batches/${id}/pause`)).status).toBe(200)
  expect(await system.batch(id)).toMatchObject({ task: 'request', extractor: 'request /v1/chat/completions' })
  await system.request('POST', `/v1/batches/${id}/resume`)
  await system.simulator.set('latency', { p50_ms: 5 })
  await ended(client, id)
  const results = await system.results(id)
  expect(results).toHaveLength(300)
  expect(JSON.parse(results[0]!.response!.body)).toMatchObject({ object: 'chat.completion' })
  expect(await system.request('POST', `/v1/batches/${id}/retry`)).toMatchObject({
    status: 409,
    body: { error: { code: 'batch_from_file' } },
  })
})

test('a body is sent to the provider as it is, but for the name of a model that names a lane', async () => {
  const client = openAi(system)
  const text = (model: string, id: string) =>
    `{"custom_id":"${id}","method":"POST","url":"/v1/embeddings","body":{"model" : "${model}","input":[12345678901234567890]}}`
  const batch = await ended(
    client,
    (await startBatch(client, [text('default/simulator', 'a'), text('simulator', 'b')], { endpoint: '/v1/embeddings' }))
      .id,
  )
  expect(batch).toMatchObject({ status: 'completed', model: 'default/simulator', request_counts: { completed: 2 } })
  const names: string[] = []
  for await (const { id } of client.models.list()) names.push(id)
  expect(names).toEqual(['simulator', 'default/simulator'])
  expect((await client.models.retrieve('default/simulator')).id).toBe('default/simulator')
})

async function redisOf(id: string) {
  const client = new Redis(inject('redisUrl'))
  let key: string | undefined
  for await (const found of client.scanStream({ match: `*{${id}}:file-batch`, count: 1_000 }))
    key ??= (found as string[])[0]
  if (key === undefined) throw new Error(`There is no record of '${id}'.`)
  return { client, key, [Symbol.asyncDispose]: async () => void (await client.quit()) }
}
