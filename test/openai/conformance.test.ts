import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { Redis } from 'ioredis'
import { toFile } from 'openai'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import {
  chatLines,
  ended,
  type Line,
  openAi,
  readLines,
  startBatch,
  toJsonl,
  untilStatus,
  uploadBatch,
} from '../support/openai.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ keepFor: 'file', simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
})

const endpoint = '/v1/chat/completions'
const batchOf = (fileId: string) => ({ input_file_id: fileId, endpoint, completion_window: '24h' }) as const
const get = async (path: string) => (await fetch(`${system.url}/openai/v1${path}`)).json() as Promise<any>
const create = async (body: unknown) => {
  const response = await fetch(`${system.url}/openai/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as any }
}

/** Changes stored fields, as if time had passed or a process had died. */
async function inRedis<T>(match: string, act: (redis: Redis, key: string) => Promise<T>): Promise<T> {
  const redis = new Redis(inject('redisUrl'))
  try {
    for await (const found of redis.scanStream({ match, count: 1_000 }))
      for (const key of found as string[]) return await act(redis, key)
    throw new Error(`There is no key ${match}.`)
  } finally {
    redis.disconnect()
  }
}

const fileFields = 'id object bytes created_at expires_at filename purpose status status_details'.split(' ')
const batchFields =
  'id object endpoint model errors input_file_id completion_window status output_file_id error_file_id created_at in_progress_at expires_at finalizing_at completed_at failed_at expired_at cancelling_at cancelled_at request_counts usage metadata'.split(
    ' ',
  )

describe('every field is there, in the order of OpenAI', () => {
  test('of files, batches, their lists and lines', async () => {
    const client = openAi(system)
    const file = await uploadBatch(client, chatLines(2))
    expect(Object.keys(await get(`/files/${file.id}`))).toEqual(fileFields)
    const fresh = (await create({ ...batchOf(file.id), metadata: null })).body
    expect(Object.keys(fresh)).toEqual(batchFields)
    expect(fresh).toMatchObject({ usage: null, metadata: null, errors: null, model: null })
    const batch = await ended(client, fresh.id)
    expect(Object.keys(batch)).toEqual(batchFields)
    expect(Object.keys(batch.usage!)).toEqual([
      'input_tokens',
      'input_tokens_details',
      'output_tokens',
      'output_tokens_details',
      'total_tokens',
    ])
    for (const at of [batch.in_progress_at, batch.finalizing_at, batch.completed_at])
      expect(at).toSatisfy(Number.isInteger)
    expect(Object.keys(await get('/batches?limit=1'))).toEqual(['object', 'data', 'first_id', 'last_id', 'has_more'])
    expect(await get('/files?purpose=vision')).toEqual({
      object: 'list',
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    })
    const [line] = await readLines(client, batch.output_file_id)
    expect(Object.keys(line)).toEqual(['id', 'custom_id', 'response', 'error'])
    expect(Object.keys(line.response)).toEqual(['status_code', 'request_id', 'body'])
    for await (const model of client.models.list())
      expect(Object.keys(model)).toEqual(['id', 'object', 'created', 'owned_by'])
  })

  test('metadata of 16 pairs comes back as it was, and every answer has the id of its request', async () => {
    const { id } = await uploadBatch(openAi(system), chatLines(1))
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`${i}`.padEnd(64, 'k'), 'v'.repeat(512)]))
    const { status, headers, body } = await create({ ...batchOf(id), metadata })
    expect(status).toBe(200)
    expect(body.metadata).toEqual(metadata)
    expect(headers.get('x-request-id')).toBeTruthy()
    for (const [wrong, param] of [
      [{ ['k'.repeat(65)]: 'v' }, 'metadata'],
      [['a'], 'metadata'],
      ['a', 'metadata'],
      [{ a: null }, 'metadata.a'],
    ] as const)
      expect(await create({ ...batchOf(id), metadata: wrong })).toMatchObject({
        status: 400,
        body: { error: { param } },
      })
  })
})

describe('limits of pages', () => {
  test.each([
    ['/batches?limit=0', "Invalid 'limit': expected a value >= 1, but got 0 instead.", 'integer_below_min_value'],
    ['/batches?limit=101', "Invalid 'limit': expected a value <= 100, but got 101 instead.", 'integer_above_max_value'],
    ['/files?limit=-1', "Invalid 'limit': expected a value >= 1, but got -1 instead.", 'integer_below_min_value'],
    ['/files?limit=10001', "Invalid 'limit': expected a value <= 10000", 'integer_above_max_value'],
    ['/files?limit=ten', "Invalid type for 'limit'", 'invalid_type'],
    ['/files?order=up', "Invalid value: 'up'. Supported values are: 'asc' and 'desc'.", 'invalid_value'],
  ])('%s is refused', async (path, message, code) => {
    const { error } = await get(path)
    expect(error).toMatchObject({ type: 'invalid_request_error', code, param: expect.any(String) as string })
    expect(error.message).toContain(message)
  })
})

describe('an input file', () => {
  test('with a byte order mark, CRLF and blank lines is read as one without, and lines keep their numbers', async () => {
    const client = openAi(system)
    const upload = async (text: string) =>
      client.files.create({ file: await toFile(Buffer.from(text), 'batch.jsonl'), purpose: 'batch' })
    const [one, two] = chatLines(2).map((line) => JSON.stringify(line))
    const good = await upload(`\uFEFF${one}\r\n\r\n  \r\n${two}\r\n\r\n`)
    expect(await ended(client, (await client.batches.create(batchOf(good.id))).id)).toMatchObject({
      status: 'completed',
      request_counts: { total: 2, completed: 2, failed: 0 },
    })
    const bad = await upload(`${one}\r\n\r\n{}\r\n`)
    const failed = await ended(client, (await client.batches.create(batchOf(bad.id))).id)
    expect(failed.errors?.data).toMatchObject([{ line: 3, code: 'missing_required_parameter', param: 'custom_id' }])
  })

  test('that is compressed is refused at the upload, whatever its name', async () => {
    const client = openAi(system)
    const packed = gzipSync(toJsonl(chatLines(3)))
    for (const name of ['batch.jsonl', 'batch.jsonl.gz'])
      await expect(client.files.create({ file: await toFile(packed, name), purpose: 'batch' })).rejects.toMatchObject({
        status: 400,
        error: { message: expect.stringContaining('Invalid file format for Batch API. Must be .jsonl') as string },
      })
  })

  test('keeps a name of any letters', async () => {
    const client = openAi(system)
    const name = 'größe 文件.jsonl'
    const file = await client.files.create({ file: await toFile(Buffer.from('{}'), name), purpose: 'batch' })
    expect(file.filename).toBe(name)
    expect((await client.files.content(file.id)).headers.get('content-disposition')).toContain(
      encodeURIComponent('größe 文件'),
    )
  })

  test('of another purpose, and an output file, make the batch fail with the reason', async () => {
    const client = openAi(system)
    const other = await client.files.create({
      file: await toFile(Buffer.from(toJsonl(chatLines(1))), 'a.jsonl'),
      purpose: 'user_data',
    })
    const done = await ended(client, (await startBatch(client, chatLines(1))).id)
    for (const [id, purpose] of [
      [other.id, 'user_data'],
      [done.output_file_id!, 'batch_output'],
    ] as const) {
      const batch = await ended(client, (await client.batches.create(batchOf(id))).id)
      expect(batch).toMatchObject({ status: 'failed', output_file_id: null })
      expect(batch.errors?.data).toEqual([
        {
          code: 'invalid_request',
          message: `Invalid purpose of file ${id}: expected 'batch', but got '${purpose}' instead.`,
          param: 'file_id',
          line: null,
        },
      ])
    }
  })

  test('may be deleted once its batch runs; a deleted output file is gone, and the batch still names it', async () => {
    const client = openAi(system)
    await system.simulator.set('latency', { p50_ms: 300 })
    const file = await uploadBatch(client, chatLines(150))
    const { id } = await client.batches.create(batchOf(file.id))
    await expect.poll(async () => (await client.batches.retrieve(id)).status).toBe('in_progress')
    await client.files.delete(file.id)
    await system.simulator.set('latency', { p50_ms: 5 })
    const batch = await ended(client, id)
    expect(batch).toMatchObject({ status: 'completed', input_file_id: file.id, request_counts: { completed: 150 } })
    await client.files.delete(batch.output_file_id!)
    await expect(client.files.content(batch.output_file_id!)).rejects.toMatchObject({ status: 404 })
    expect((await client.batches.retrieve(id)).output_file_id).toBe(batch.output_file_id)
  })
})

test.each([
  [
    '/v1/responses',
    { input: 'x', stream: true },
    'streaming_unsupported',
    'Responses: Streaming is not supported in the Batch API.',
  ],
  ['/v1/embeddings', {}, 'invalid_request', 'Input parameter is required.'],
  ['/v1/moderations', { input: null }, 'invalid_request', 'Input parameter is required.'],
  ['/v1/completions', {}, 'invalid_request', 'Prompt parameter is required.'],
] as const)('a line to %s with the body %j fails as %s', async (url, body, code, message) => {
  const client = openAi(system)
  const line: Line = { custom_id: 'a', method: 'POST', url, body: { model: 'simulator', ...body } }
  const batch = await ended(client, (await startBatch(client, [line], { endpoint: url })).id)
  expect(batch.errors?.data).toMatchObject([{ code, message, line: 1 }])
})

test.each([
  [{ custom_id: 7 }, "Invalid type for 'custom_id': expected a string, but got an integer instead.", 'custom_id'],
  [{ body: [] }, "Invalid type for 'body': expected an object, but got an array instead.", 'body'],
  [{ body: 'x' }, "Invalid type for 'body': expected an object, but got a string instead.", 'body'],
])('a line with %j has the wrong type', async (more, message, param) => {
  const client = openAi(system)
  const batch = await ended(client, (await startBatch(client, [{ ...chatLines(1)[0], ...more }])).id)
  expect(batch.errors?.data).toEqual([{ code: 'invalid_type', message, param, line: 1 }])
})

describe('without a worker', () => {
  let idle: System
  beforeAll(async () => {
    idle = await startSystem({ keepFor: 'file', simulator: { SIMULATOR_LATENCY_MS: '5' } })
  })

  test('a batch that is cancelled while it is validated, and one whose file was deleted before, run nothing', async () => {
    const client = openAi(idle)
    const cancelled = (await startBatch(client, chatLines(3))).id
    expect((await client.batches.cancel(cancelled)).status).toBe('cancelling')
    expect((await client.batches.cancel(cancelled)).status).toBe('cancelling')
    const file = await uploadBatch(client, chatLines(3))
    const gone = (await client.batches.create(batchOf(file.id))).id
    await client.files.delete(file.id)
    const finalizing = (await startBatch(client, chatLines(3))).id
    await inRedis(`*{${finalizing}}:file-batch`, (redis, key) => redis.hset(key, 'status', 'finalizing'))
    await expect(client.batches.cancel(finalizing)).rejects.toMatchObject({
      status: 409,
      error: { message: "Cannot cancel a batch with status 'finalizing'." },
    })

    await idle.worker()
    expect(await ended(client, cancelled)).toMatchObject({
      status: 'cancelled',
      output_file_id: null,
      error_file_id: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
      in_progress_at: null,
      cancelling_at: expect.any(Number) as number,
      cancelled_at: expect.any(Number) as number,
    })
    expect((await ended(client, gone)).errors?.data).toMatchObject([
      { code: 'invalid_request', param: 'file_id', message: expect.stringContaining('Cannot find file') as string },
    ])
    expect((await idle.simulator.stats()).requests).toBe(0)
  })
})

test('a process that dies while it makes the output files leaves nothing double: the next one ends the batch with the same files', async () => {
  const here = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '100' } })
  const client = openAi(here)
  const worker = await here.worker({ SLUICE_CONCURRENCY: '10' })
  const { id } = await startBatch(client, chatLines(1_000))
  await untilStatus(client, id, ({ request_counts: counts }) => (counts?.completed ?? 0) > 10)
  await client.batches.cancel(id)
  const before = await ended(client, id)
  await worker.stop()
  // As a process leaves it that dies between the last file and the last step of the batch.
  await inRedis(`*{${id}}:file-batch`, async (redis, key) => {
    const undone = { outputFileId: 'null', errorFileId: 'null', cancelledAt: 'null', counts: 'null', usage: 'null' }
    await redis.hset(key, { ...undone, status: 'cancelling' })
  })
  // Adds its job, as the sweeper does.
  expect((await client.batches.cancel(id)).status).toBe('cancelling')
  await here.worker()
  const { cancelled_at: _first, ...was } = before
  const { cancelled_at: _second, ...is } = await ended(client, id)
  expect(is).toEqual(was)
  expect((await client.files.list({ purpose: 'batch_output' })).data).toHaveLength(2)
  const lines = [...(await readLines(client, is.output_file_id)), ...(await readLines(client, is.error_file_id))]
  expect(new Set(lines.map(({ custom_id: customId }) => customId as string)).size).toBe(1_000)
  expect(lines).toHaveLength(1_000)
})

describe('an upload', () => {
  const input = { filename: 'a.jsonl', purpose: 'batch', mime_type: 'application/jsonl' } as const

  test('of a batch file in parts becomes its input, with its expiry', async () => {
    const client = openAi(system)
    const bytes = Buffer.from(toJsonl(chatLines(4)))
    const upload = await client.uploads.create({
      ...input,
      bytes: bytes.length,
      expires_after: { anchor: 'created_at', seconds: 7_200 },
    })
    const parts: string[] = []
    for (const part of [bytes.subarray(0, 100), bytes.subarray(100)])
      parts.push((await client.uploads.parts.create(upload.id, { data: await toFile(part, 'part') })).id)
    const md5 = createHash('md5').update(bytes).digest('hex').toUpperCase()
    const { file, status } = await client.uploads.complete(upload.id, { part_ids: parts, md5 })
    expect(status).toBe('completed')
    expect(file).toMatchObject({ purpose: 'batch', bytes: bytes.length, filename: 'a.jsonl', status: 'processed' })
    expect(file!.expires_at! - file!.created_at).toBe(7_200)
    expect(await ended(client, (await client.batches.create(batchOf(file!.id))).id)).toMatchObject({
      status: 'completed',
      request_counts: { completed: 4 },
    })
    await expect(client.uploads.complete(upload.id, { part_ids: parts })).rejects.toMatchObject({ status: 400 })
  })

  test('whose hour is over has expired: it takes no part, and cannot be completed or cancelled', async () => {
    const client = openAi(system)
    const upload = await client.uploads.create({ ...input, bytes: 5 })
    const part = await client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from('12345'), 'a') })
    await inRedis(`*{${upload.id}}:*`, async (redis, key) => {
      const meta = key.replace(/\}:.*$/, '}:meta')
      const stored = JSON.parse((await redis.hget(meta, 'json'))!) as object
      await redis.hset(meta, 'json', JSON.stringify({ ...stored, expiresAt: Date.now() - 1 }))
    })
    const message = 'The upload is expired: only a pending one takes parts, or is completed or cancelled.'
    for (const call of [
      () => client.uploads.complete(upload.id, { part_ids: [part.id] }),
      () => client.uploads.cancel(upload.id),
      async () => client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from('1'), 'a') }),
    ])
      await expect(call()).rejects.toMatchObject({ status: 400, error: { message } })
  })
})
