import { beforeAll, describe, expect, test } from 'vitest'
import { chatLines, ended, type Line, openAi, startBatch, uploadBatch } from '../support/openai.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ keepFor: 'file' })
  await system.worker()
})

const [good] = chatLines(1) as [Line & { body: object }]
const line = (more: object): Line => ({ ...good, ...more })
const body = (more: object): Line => ({ ...good, body: { ...good.body, ...more } })
const { custom_id: _, ...withoutId } = good

// Codes and messages as they were recorded from OpenAI, where that is known.
const table: [string, readonly (Line | string)[], object][] = [
  [
    'that is not JSON',
    [good, 'not json'],
    { code: 'invalid_json_line', line: 2, message: 'This line is not parseable as valid JSON.', param: null },
  ],
  [
    'without custom_id',
    [withoutId],
    {
      code: 'missing_required_parameter',
      line: 1,
      message: "Missing required parameter: 'custom_id'.",
      param: 'custom_id',
    },
  ],
  ['without method', [line({ method: undefined })], { code: 'missing_required_parameter', param: 'method', line: 1 }],
  ['without url', [line({ url: undefined })], { code: 'missing_required_parameter', param: 'url', line: 1 }],
  ['without body', [line({ body: undefined })], { code: 'missing_required_parameter', param: 'body', line: 1 }],
  [
    'to another url',
    [line({ url: '/v1/embeddings' })],
    {
      code: 'invalid_url',
      message: 'The URL provided for this request does not match the batch endpoint.',
      param: 'url',
    },
  ],
  ['by another method', [line({ method: 'GET' })], { code: 'invalid_method', param: 'method' }],
  [
    'with an unknown model',
    [body({ model: 'gpt-0' })],
    {
      code: 'model_not_found',
      message: "The provided model 'gpt-0' is not supported by the Batch API.",
      param: 'body.model',
    },
  ],
  [
    'without a model',
    [body({ model: undefined })],
    { code: 'invalid_request', message: 'Model parameter is required.', param: 'body.model' },
  ],
  [
    'without messages',
    [body({ messages: undefined })],
    { code: 'invalid_request', message: 'Messages parameter is required.', param: 'body.messages' },
  ],
  [
    'that streams',
    [body({ stream: true })],
    {
      code: 'streaming_unsupported',
      message: 'Chat Completions: Streaming is not supported in the Batch API.',
      param: 'body.stream',
    },
  ],
  [
    'with the custom_id of another one',
    [good, good],
    {
      code: 'duplicate_custom_id',
      line: 2,
      message:
        "The custom_id 'request-0' for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.",
      param: 'custom_id',
    },
  ],
]

describe('a batch whose file has a line', () => {
  test.each(table)('%s fails before anything runs, with the code and text of OpenAI', async (_name, lines, error) => {
    const client = openAi(system)
    const before = (await system.simulator.stats()).requests
    const batch = await ended(client, (await startBatch(client, lines)).id)
    expect(batch).toMatchObject({ status: 'failed', output_file_id: null, error_file_id: null })
    expect(batch.failed_at).not.toBeNull()
    expect(batch.request_counts).toEqual({ total: 0, completed: 0, failed: 0 })
    expect(batch.errors?.object).toBe('list')
    expect(batch.errors?.data).toHaveLength(1)
    expect(batch.errors?.data?.[0]).toMatchObject(error)
    expect((await system.simulator.stats()).requests).toBe(before)
  })

  test('that is bad shows one error for each such line, also after good ones', async () => {
    const client = openAi(system)
    const lines = [...chatLines(3), withoutId, { ...body({ stream: true }), custom_id: 'b' }, '[]', '', withoutId]
    const batch = await ended(client, (await startBatch(client, lines)).id)
    expect(batch.errors?.data?.map(({ line: number, code }) => [number, code])).toEqual([
      [4, 'missing_required_parameter'],
      [5, 'streaming_unsupported'],
      [6, 'invalid_json_line'],
      [8, 'missing_required_parameter'],
    ])
  })

  test('for a second model fails', async () => {
    const two = await startSystem({ env: { SLUICE_MODELS: 'other' } })
    await two.worker()
    const client = openAi(two)
    const batch = await ended(
      client,
      (await startBatch(client, [good, { ...body({ model: 'other' }), custom_id: 'b' }])).id,
    )
    expect(batch.errors?.data?.[0]).toMatchObject({
      code: 'mismatched_model',
      line: 2,
      message:
        "The model 'other' for this request does not match the rest of the batch. Each batch must contain requests for a single model.",
      param: 'body.model',
    })
  })

  test('too many fails', async () => {
    const client = openAi(system)
    const batch = await ended(client, (await startBatch(client, chatLines(50_001))).id)
    expect(batch.errors?.data?.[0]).toMatchObject({ code: 'too_many_tasks', line: null })
    const native = await system.request('GET', `/v1/batches/${batch.id}`)
    expect(native.status).toBe(404)
  })
})

test('a batch over a file that is not there is created, and then fails', async () => {
  const client = openAi(system)
  const fresh = await client.batches.create({
    input_file_id: 'file-none',
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  })
  expect(fresh.status).toBe('validating')
  const batch = await ended(client, fresh.id)
  expect(batch.status).toBe('failed')
  expect(batch.errors?.data?.[0]).toMatchObject({ code: 'invalid_request', line: null, param: 'file_id' })
  expect(batch.errors?.data?.[0]?.message).toContain('Cannot find file file-none')
})

test.each([
  [
    { input_file_id: undefined },
    {
      message: "Missing required parameter: 'input_file_id'.",
      code: 'missing_required_parameter',
      param: 'input_file_id',
    },
  ],
  [{ endpoint: undefined }, { code: 'missing_required_parameter', param: 'endpoint' }],
  [{ completion_window: undefined }, { code: 'missing_required_parameter', param: 'completion_window' }],
  [
    { endpoint: '/v1/x' },
    {
      message: expect.stringMatching(/^Invalid value: '\/v1\/x'\. Supported values are: '/) as string,
      code: 'invalid_value',
      param: 'endpoint',
    },
  ],
  [{ completion_window: '48h' }, { code: 'invalid_value', param: 'completion_window' }],
  [
    { metadata: { tags: ['a'] } },
    {
      message: "Invalid type for 'metadata.tags': expected a string, but got an array instead.",
      code: 'invalid_type',
      param: 'metadata.tags',
    },
  ],
  [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_value, i) => [`k${i}`, 'v'])) }, { param: 'metadata' }],
  [{ metadata: { a: 'x'.repeat(513) } }, { code: 'string_above_max_length', param: 'metadata.a' }],
  [{ output_expires_after: { anchor: 'created_at', seconds: 1 } }, { param: 'output_expires_after.seconds' }],
  [{ output_expires_after: { anchor: 'now', seconds: 3_600 } }, { param: 'output_expires_after.anchor' }],
  [{ window: '24h' }, { code: 'unknown_parameter', param: 'window' }],
] as [object, object][])('a batch with %j is not created', async (more, error) => {
  const client = openAi(system)
  const { id } = await uploadBatch(client, [good])
  const params = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h', ...more }
  await expect(client.batches.create(params as Parameters<typeof client.batches.create>[0])).rejects.toMatchObject({
    status: 400,
    error: { type: 'invalid_request_error', ...error },
  })
})
