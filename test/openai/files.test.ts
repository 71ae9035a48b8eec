import { createHash, randomBytes } from 'node:crypto'
import { APIError, NotFoundError, toFile } from 'openai'
import { beforeAll, describe, expect, test } from 'vitest'
import { chatLines, openAi, toJsonl, uploadBatch } from '../support/openai.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ keepFor: 'file', env: { SLUICE_FILES_MB: '8' } })
})

/** A form as clients other than the official ones send it: its parts in the order given. */
async function postForm(parts: readonly [name: string, value: string | File][]) {
  const form = new FormData()
  for (const [name, value] of parts) form.append(name, value)
  const response = await fetch(`${system.url}/openai/v1/files`, { method: 'POST', body: form })
  return { status: response.status, body: (await response.json()) as any }
}

const jsonl = new File([toJsonl(chatLines(2))], 'a.jsonl')

describe('a file', () => {
  test('comes back byte for byte, whatever its size, and is listed until it is deleted', async () => {
    const client = openAi(system)
    const bytes = randomBytes(3_000_000)
    const file = await client.files.create({ file: await toFile(bytes, 'bytes.bin'), purpose: 'user_data' })
    expect(file).toMatchObject({ object: 'file', bytes: bytes.length, filename: 'bytes.bin', purpose: 'user_data' })
    expect(file).toMatchObject({ status: 'processed', expires_at: null, status_details: null })
    const back = await client.files.content(file.id)
    expect(back.headers.get('content-length')).toBe(String(bytes.length))
    expect(
      createHash('md5')
        .update(Buffer.from(await back.arrayBuffer()))
        .digest('hex'),
    ).toBe(createHash('md5').update(bytes).digest('hex'))
    expect(await client.files.retrieve(file.id)).toEqual(file)
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true })
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({
      status: 404,
      error: { message: `No such File object: ${file.id}`, type: 'invalid_request_error', param: 'id', code: null },
    })
    await expect(client.files.content(file.id)).rejects.toBeInstanceOf(NotFoundError)
    await expect(client.files.delete(file.id)).rejects.toBeInstanceOf(NotFoundError)
  })

  test('is accepted with the parts of its form in any order', async () => {
    const expiry: [string, string][] = [
      ['expires_after[anchor]', 'created_at'],
      ['expires_after[seconds]', '3600'],
    ]
    const purpose: [string, string] = ['purpose', 'batch']
    for (const parts of [
      [['file', jsonl], purpose, ...expiry],
      [purpose, ...expiry, ['file', jsonl]],
      [...expiry, ['file', jsonl], purpose],
    ] as [string, string | File][][]) {
      const { status, body } = await postForm(parts)
      expect(status).toBe(200)
      expect(body).toMatchObject({ purpose: 'batch', bytes: jsonl.size })
      expect(body.expires_at).toBe(body.created_at + 3_600)
    }
  })

  test('of many is found by paging, in either order and by purpose', async () => {
    const client = openAi(system)
    const made: string[] = []
    for (let i = 0; i < 5; i += 1)
      made.push((await client.files.create({ file: await toFile(Buffer.from('x'), `${i}.txt`), purpose: 'evals' })).id)
    await uploadBatch(client, chatLines(1))
    const seen: string[] = []
    for await (const file of client.files.list({ purpose: 'evals', limit: 2, order: 'asc' })) seen.push(file.id)
    expect(seen).toEqual(made)
    const newest: string[] = []
    for await (const file of client.files.list({ purpose: 'evals', limit: 3 })) newest.push(file.id)
    expect(newest).toEqual(made.toReversed())
    const page: unknown = await (
      await client.files.list({ limit: 2, order: 'asc', purpose: 'evals' }).asResponse()
    ).json()
    expect(page).toMatchObject({ object: 'list', has_more: true, first_id: made[0], last_id: made[1] })
  })

  test.each([
    [
      'no purpose',
      [['file', jsonl]],
      "Missing required parameter: 'purpose'.",
      'missing_required_parameter',
      'purpose',
    ],
    ['no file', [['purpose', 'batch']], "Missing required parameter: 'file'.", 'missing_required_parameter', 'file'],
    [
      'another purpose',
      [
        ['file', jsonl],
        ['purpose', 'fun'],
      ],
      "Invalid value: 'fun'.",
      'invalid_value',
      'purpose',
    ],
    [
      'another name',
      [
        ['file', new File(['{}'], 'a.txt')],
        ['purpose', 'batch'],
      ],
      'Invalid file format for Batch API. Must be .jsonl',
      null,
      null,
    ],
    [
      'no line',
      [
        ['file', new File([], 'a.jsonl')],
        ['purpose', 'batch'],
      ],
      'Must be .jsonl',
      null,
      null,
    ],
    [
      'text',
      [
        ['purpose', 'batch'],
        ['file', new File(['hello'], 'a.jsonl')],
      ],
      'Must be .jsonl',
      null,
      null,
    ],
    [
      'an expiry that is too short',
      [
        ['file', jsonl],
        ['purpose', 'batch'],
        ['expires_after[anchor]', 'created_at'],
        ['expires_after[seconds]', '5'],
      ],
      "Invalid 'expires_after.seconds'",
      'integer_below_min_value',
      'expires_after.seconds',
    ],
  ] as [string, [string, string | File][], string, string | null, string | null][])(
    'with %s is rejected, and nothing of it is stored',
    async (_, parts, message, code, param) => {
      const before = (await openAi(system).files.list()).data.length
      const { status, body } = await postForm(parts)
      expect(status).toBe(400)
      expect(body.error).toEqual({
        message: expect.stringContaining(message) as string,
        type: 'invalid_request_error',
        param,
        code,
      })
      expect((await openAi(system).files.list()).data).toHaveLength(before)
    },
  )

  test('that would take more than all files may is rejected, and those that are there stay', async () => {
    const client = openAi(system)
    const upload = async (mb: number) =>
      client.files.create({ file: await toFile(randomBytes(mb * 1_048_576), 'x'), purpose: 'vision' })
    const first = await upload(3)
    await expect(upload(7)).rejects.toMatchObject({
      status: 400,
      error: { code: 'storage_limit_exceeded', message: expect.stringContaining('SLUICE_FILES_MB') as string },
    })
    expect((await client.files.content(first.id)).ok).toBe(true)
    await client.files.delete(first.id)
    const second = await upload(6)
    await client.files.delete(second.id)
  })
})

describe('an upload', () => {
  test('becomes a file of its parts, in the order given', async () => {
    const client = openAi(system)
    const [a, b] = [randomBytes(300_000), randomBytes(200_000)]
    const upload = await client.uploads.create({
      filename: 'x.bin',
      purpose: 'user_data',
      bytes: 500_000,
      mime_type: 'a/b',
    })
    expect(upload).toMatchObject({ object: 'upload', status: 'pending', bytes: 500_000, file: null })
    expect(upload.expires_at).toBe(upload.created_at + 3_600)
    const second = await client.uploads.parts.create(upload.id, { data: await toFile(b, 'b') })
    const first = await client.uploads.parts.create(upload.id, { data: await toFile(a, 'a') })
    expect(first).toMatchObject({ object: 'upload.part', upload_id: upload.id })
    const md5 = createHash('md5').update(a).update(b).digest('hex')
    await expect(client.uploads.complete(upload.id, { part_ids: [second.id, first.id], md5 })).rejects.toMatchObject({
      status: 400,
      error: { param: 'md5' },
    })
    await expect(client.uploads.complete(upload.id, { part_ids: [first.id] })).rejects.toMatchObject({ status: 400 })
    const completed = await client.uploads.complete(upload.id, { part_ids: [first.id, second.id], md5 })
    expect(completed).toMatchObject({ status: 'completed', file: { bytes: 500_000, filename: 'x.bin' } })
    const back = Buffer.from(await (await client.files.content(completed.file!.id)).arrayBuffer())
    expect(back.equals(Buffer.concat([a, b]))).toBe(true)
    await expect(client.uploads.cancel(upload.id)).rejects.toMatchObject({ status: 400 })
    await client.files.delete(completed.file!.id)
  })

  test('that is cancelled takes no more parts', async () => {
    const client = openAi(system)
    const upload = await client.uploads.create({ filename: 'x.bin', purpose: 'user_data', bytes: 5, mime_type: 'a/b' })
    await client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from('12345'), 'a') })
    expect((await client.uploads.cancel(upload.id)).status).toBe('cancelled')
    await expect(
      client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from('12345'), 'a') }),
    ).rejects.toMatchObject({ status: 400 })
    await expect(client.uploads.cancel('upload_x')).rejects.toMatchObject({ status: 404 })
  })
})

test('every error under this path has the four fields of OpenAI', async () => {
  const client = openAi(system)
  const calls = [
    client.files.retrieve('file-x'),
    client.batches.retrieve('batch_x'),
    client.batches.list({ limit: 101 }),
    client.batches.list({ after: '3' }),
    client.files.list({ limit: 10_001 }),
    client.models.retrieve('no-such-model'),
    client.get('/nothing'),
    client.post('/batches', { body: ['a'] }),
    client.uploads.create({ filename: 'x', purpose: 'batch', bytes: 1, mime_type: 'a/b' }),
  ]
  const settled = await Promise.allSettled(calls)
  for (const call of settled) {
    const error = call.status === 'rejected' ? (call.reason as APIError) : null
    expect(error).toBeInstanceOf(APIError)
    expect(Object.keys(error!.error as object).toSorted((x, y) => x.localeCompare(y))).toEqual([
      'code',
      'message',
      'param',
      'type',
    ])
    expect((error!.error as { type: string }).type).toBe('invalid_request_error')
  }
})

test('a key is asked for as with every other route', async () => {
  const secured = await startSystem({ env: { SLUICE_API_KEYS: 'a-key-of-some-length' } })
  await expect(openAi(secured).models.list()).rejects.toMatchObject({
    status: 401,
    error: { type: 'invalid_request_error' },
  })
  const client = openAi(secured).withOptions({ apiKey: 'a-key-of-some-length' })
  const names: string[] = []
  for await (const { id } of client.models.list()) names.push(id)
  expect(names).toEqual(['simulator', 'default/simulator'])
})
