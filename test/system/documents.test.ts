import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '@sluice/contract/batch'
import { expect, test } from 'vitest'
import { childrenOf, isReading, until } from '../../packages/documents/test/child-processes.ts'
import { makeBomb, makePdf } from '../../packages/documents/test/pdfs.ts'
import { person, startSystem, type System } from '../support/system.ts'

type File = readonly [name: string, content: string | Uint8Array<ArrayBuffer>, type?: string]

function formOf(batch: unknown, files: readonly File[]): FormData {
  const form = new FormData()
  form.append('batch', JSON.stringify(batch))
  for (const [name, content, type = 'application/octet-stream'] of files)
    form.append('documents', new Blob([content], { type }), name)
  return form
}

async function send(system: System, body: FormData | string, { path = '/v1/batches', headers = {} } = {}) {
  const response = await fetch(`${system.url}${path}`, { method: 'POST', headers, body })
  return { status: response.status, body: (await response.json()) as any }
}

const extractor = person
const introduction = (name: string, age: number) => `My name is ${name} and I am ${age} years old.`

test('documents of every kind are items; one that is broken or encrypted is an item that fails, and nothing else does', async () => {
  const system = await startSystem()
  await system.worker()
  const answer = await send(
    system,
    formOf({ extractor, metadata: { from: 'a folder' } }, [
      ['ann.txt', introduction('Ann', 31)],
      ['notes/bob.md', `# Note\n\n${introduction('Bob', 32)}`],
      ['cleo.html', `<style>p{}</style><h1>Note</h1><p>${introduction('Cleo', 33)}</p>`, 'text/html'],
      ['broken.pdf', (await makePdf(['x'])).slice(0, 200), 'application/pdf'],
      ['dora.pdf', await makePdf(['First page.', introduction('Dora', 34), 'Last page.']), 'application/pdf'],
      ['secret.pdf', await makePdf([introduction('Eve', 35)], { password: 'swordfish' }), 'application/pdf'],
      ['picture.pdf', await makePdf(['']), 'application/pdf'],
      ['für.txt', introduction('Fred', 36)],
    ]),
  )
  expect(answer).toMatchObject({
    status: 202,
    body: { status: 'in_progress', counts: { total: 8 }, metadata: { from: 'a folder' } },
  })
  const results = await system.results(answer.body.id)
  expect(results.map(({ id, data, error }) => [id, data ?? error])).toEqual([
    ['ann.txt', { name: 'Ann', age: 31 }],
    ['notes/bob.md', { name: 'Bob', age: 32 }],
    ['cleo.html', { name: 'Cleo', age: 33 }],
    ['broken.pdf', { type: 'unreadable', message: expect.stringContaining('broken') as string }],
    ['dora.pdf', { name: 'Dora', age: 34 }],
    ['secret.pdf', { type: 'unreadable', message: expect.stringContaining('encrypted') as string }],
    ['picture.pdf', { type: 'unreadable', message: expect.stringContaining('OCR') as string }],
    ['für.txt', { name: 'Fred', age: 36 }],
  ])
  expect(await system.batch(answer.body.id)).toMatchObject({
    status: 'completed',
    counts: { succeeded: 5, failed: 3 },
    usage: { calls: 5 },
  })
  expect(results.find(({ id }) => id === 'secret.pdf')).toMatchObject({ attempts: 0, usage: { input_tokens: 0 } })
  expect(
    (await system.request('POST', `/v1/batches/${answer.body.id}/retry`, { error_type: 'unreadable', dry_run: true }))
      .body,
  ).toMatchObject({ retried: 3 })
})

test('documents above the limits are items that fail', async () => {
  const system = await startSystem({ env: { SLUICE_DOCUMENT_MB: '1', SLUICE_DOCUMENT_PAGES: '2' } })
  await system.worker()
  const answer = await send(
    system,
    formOf({ extractor }, [
      ['heavy.txt', 'x'.repeat(1_048_577)],
      ['long.pdf', await makePdf(['1', '2', '3'])],
      ['ann.txt', introduction('Ann', 31)],
    ]),
  )
  const results = await system.results(answer.body.id)
  expect(results.map(({ id, data, error }) => [id, data ?? error])).toEqual([
    ['heavy.txt', { type: 'too_large', message: 'The document is larger than 1 MB.' }],
    ['long.pdf', { type: 'too_large', message: 'The PDF has 3 pages, and at most 2 are read.' }],
    ['ann.txt', { name: 'Ann', age: 31 }],
  ])
})

test('a hostile document neither ends the API nor delays other requests', async () => {
  const system = await startSystem({ env: { SLUICE_DOCUMENT_S: '8' } })
  await system.worker()
  let slowestMs = 0
  const sending = send(
    system,
    formOf({ extractor }, [
      ['bomb.pdf', await makeBomb(1_000)],
      ['deep.html', '<b><i>'.repeat(100_000)],
      ['ann.txt', introduction('Ann', 31)],
    ]),
  )
  while ((await Promise.race([sending, sleep(50, 'waiting')])) === 'waiting') {
    const began = performance.now()
    expect((await system.request('GET', '/healthz')).status).toBe(200)
    slowestMs = Math.max(slowestMs, performance.now() - began)
  }
  const { status, body } = await sending
  expect(status).toBe(202)
  expect(slowestMs).toBeLessThan(1_000 * system.slowdown)
  const [bomb, , ann] = await system.results(body.id)
  expect(bomb).toMatchObject({ status: 'failed', error: { type: 'unreadable' } })
  expect(ann).toMatchObject({ data: { name: 'Ann', age: 31 } })
  expect(system.api.child.exitCode).toBeNull()
})

test('a document that exhausts the memory fails alone: the API stays up and reads the next one', async () => {
  const system = await startSystem({ env: { SLUICE_DOCUMENT_S: '90' } })
  await system.worker()
  const { status, body } = await send(
    system,
    formOf({ extractor }, [
      ['greedy.html', Buffer.alloc(20_000_000, '<p>x')],
      ['ann.txt', introduction('Ann', 31)],
    ]),
  )
  expect(status).toBe(202)
  const results = await system.results(body.id)
  expect(results.map(({ id, data, error }) => [id, data ?? error])).toEqual([
    ['greedy.html', { type: 'unreadable', message: 'Reading the document takes more memory than it may.' }],
    ['ann.txt', { name: 'Ann', age: 31 }],
  ])
  const later = await send(system, formOf({ extractor }, [['bob.txt', introduction('Bob', 32)]]))
  expect(await system.results(later.body.id)).toMatchObject([{ data: { name: 'Bob', age: 32 } }])
  expect(system.api.child.exitCode).toBeNull()
})

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'of an API that is ended by %s while it reads, no process is left',
  async (signal) => {
    const system = await startSystem({ env: { SLUICE_DOCUMENT_S: '90', SLUICE_GRACE_S: '1' } })
    await send(system, formOf({ extractor }, [['ann.txt', introduction('Ann', 31)]]))
    const [reads] = childrenOf(system.api.pid)
    const form = formOf({ extractor }, [['endless.html', Buffer.alloc(10_000_000, '<b><i>')]])
    const sending = send(system, form).catch(() => 'cut off')
    // By then it is in the middle of it, and hears of nothing.
    await sleep(1_500)
    await system.api.stop(signal)
    expect(
      await until(
        () => isReading(reads!),
        (stillReads) => !stillReads,
      ),
    ).toBe(false)
    await sending
  },
)

test('a malformed form is rejected, and nothing of it is stored', async () => {
  const system = await startSystem()
  const good: File = ['ann.txt', introduction('Ann', 31)]
  const withField = (name: string, value: string | Blob) => {
    const form = formOf({ extractor }, [good])
    form.append(name, value)
    return form
  }
  const late = new FormData()
  late.append('documents', new Blob(['x']), 'a.txt')
  late.append('batch', JSON.stringify({ extractor }))
  const noJson = new FormData()
  noJson.append('batch', '{oops')
  const rows: [FormData, number, string, string | null][] = [
    [late, 400, 'invalid_request', 'batch'],
    [noJson, 400, 'invalid_json', 'batch'],
    [formOf({ extractor }, []), 400, 'invalid_request', 'documents'],
    [formOf({ extractor, items: ['x'] }, [good]), 400, 'invalid_item', 'items'],
    [formOf({ extractor, concurrency: 0 }, [good]), 400, 'invalid_request', 'concurrency'],
    [formOf({}, [good]), 400, 'invalid_request', 'extractor'],
    [formOf({ extractor: 'nobody' }, [good]), 404, 'extractor_not_found', 'extractor'],
    [formOf({ extractor, max_cost_usd: 1 }, [good]), 400, 'unknown_prices', 'max_cost_usd'],
    [formOf({ extractor }, [good, ['b.txt', 'x'], good]), 400, 'duplicate_id', 'documents[2]'],
    [formOf({ extractor }, [good, ['b.docx', 'PK']]), 415, 'unsupported_media_type', 'documents[1]'],
    [formOf({ extractor }, [[`${'x'.repeat(300)}.txt`, 'x']]), 400, 'invalid_item', 'documents[0]'],
    [withField('priority', '3'), 400, 'invalid_request', 'priority'],
    [withField('file', new Blob(['x'])), 400, 'invalid_request', 'file'],
  ]
  for (const [form, status, code, param] of rows) {
    const answer = await send(system, form)
    expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([status, code, param])
    expect(answer.body.error.message).toMatch(/\w{3}/)
  }
  const cut = await send(system, '--b\r\ncontent-disposition: form-data; name="batch"\r\n\r\n{}', {
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
  })
  expect(cut).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
  expect(await send(system, formOf({ extractor }, [good]), { path: '/v1/batches?priority=3' })).toMatchObject({
    status: 400,
    body: { error: { param: 'priority' } },
  })
  expect((await system.request('GET', '/v1/batches')).body.data).toEqual([])
})

test('a large upload that is refused in its middle gets its answer', async () => {
  const system = await startSystem()
  const files: File[] = Array.from({ length: 60 }, (_, i) => [`${i}.txt`, 'x'.repeat(1_000_000)])
  expect(await send(system, formOf({ extractor }, [['a.docx', 'PK'], ...files]))).toMatchObject({
    status: 415,
    body: { error: { param: 'documents[0]' } },
  })
})

test('the same upload again under its Idempotency-Key is the same batch', async () => {
  const system = await startSystem()
  const upload = async (priority: number) =>
    send(system, formOf({ extractor, priority }, [['ann.txt', introduction('Ann', 31)]]), {
      headers: { 'idempotency-key': 'folder-1' },
    })
  const first = await upload(10)
  expect(first.status).toBe(202)
  expect(await upload(10)).toMatchObject({ status: 200, body: { id: (first.body as Batch).id } })
  expect(await upload(20)).toMatchObject({ status: 409, body: { error: { code: 'idempotency_key_reused' } } })
})

test('a folder may be sent in several requests, among lines', async () => {
  const system = await startSystem()
  await system.worker()
  const { id } = (await system.request('POST', '/v1/batches/uploads', { extractor })).body as Batch
  const filesOf = (...files: File[]) => {
    const form = new FormData()
    for (const [name, content] of files) form.append('documents', new Blob([content]), name)
    return form
  }
  const add = async (from: number, form: FormData) =>
    send(system, form, { path: `/v1/batches/${id}/items?from=${from}` })
  expect(await add(0, filesOf(['ann.txt', introduction('Ann', 31)], ['broken.pdf', '%PDF-1.4']))).toMatchObject({
    status: 200,
    body: { counts: { total: 2 } },
  })
  expect(
    await send(system, JSON.stringify(introduction('Bob', 32)), {
      path: `/v1/batches/${id}/items?from=2`,
      headers: { 'content-type': 'application/x-ndjson' },
    }),
  ).toMatchObject({ status: 200, body: { counts: { total: 3 } } })
  expect(await add(2, filesOf(['cleo.txt', 'x']))).toMatchObject({
    status: 409,
    body: { error: { code: 'upload_position' } },
  })
  expect(await add(3, filesOf(['ann.txt', 'x']))).toMatchObject({
    status: 400,
    body: { error: { code: 'duplicate_id', param: 'documents[0]' } },
  })
  expect(await add(3, formOf({ extractor }, [['cleo.txt', 'x']]))).toMatchObject({
    status: 400,
    body: { error: { param: 'batch' } },
  })
  expect((await add(3, filesOf(['cleo.md', introduction('Cleo', 33)]))).status).toBe(200)
  await system.request('POST', `/v1/batches/${id}/seal`)
  expect((await system.results(id)).map(({ id: item, data, error }) => [item, data ?? error?.type])).toEqual([
    ['ann.txt', { name: 'Ann', age: 31 }],
    ['broken.pdf', 'unreadable'],
    ['2', { name: 'Bob', age: 32 }],
    ['cleo.md', { name: 'Cleo', age: 33 }],
  ])
})

test('the cost of documents is estimated without storing them', async () => {
  const system = await startSystem()
  const files: File[] = [
    ['ann.txt', introduction('Ann', 31)],
    ['broken.pdf', '%PDF-1.4'],
  ]
  const { body } = await send(system, formOf({ extractor }, files), { path: '/v1/batches/estimate' })
  const alone = (await system.request('POST', '/v1/batches/estimate', { extractor, items: [introduction('Ann', 31)] }))
    .body
  expect(body).toEqual({ ...alone, items: 2 })
  expect((await system.request('GET', '/v1/batches')).body.data).toEqual([])
})

test('the OpenAPI document describes how documents are sent', async () => {
  const system = await startSystem()
  const { body } = await system.request('GET', '/openapi.json')
  for (const path of ['/v1/batches', '/v1/batches/estimate']) {
    const { schema, encoding } = body.paths[path].post.requestBody.content['multipart/form-data']
    expect(schema.required).toEqual(['batch', 'documents'])
    expect(encoding.batch.contentType).toBe('application/json')
    expect(body.components.schemas.DocumentBatch.properties.extractor).toBeDefined()
  }
})
