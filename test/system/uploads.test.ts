import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { Batch } from '@sluice/contract/batch'
import { expect, test } from 'vitest'
import { people, person, startSystem, type System } from '../support/system.ts'

const lines = (texts: readonly unknown[]) => texts.map((text) => `${JSON.stringify(text)}\n`).join('')

async function upload(system: System, path: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(`${system.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  return { status: response.status, body: (await response.json()) as any }
}

async function withPerson() {
  const system = await startSystem()
  await system.request('POST', '/v1/extractors', { name: 'person', ...person })
  return system
}

test('lines stream in, also as gzip, and come out in order', async () => {
  const system = await withPerson()
  await system.worker()
  for (const packed of [false, true]) {
    const text = lines(people(1_000))
    const answer = await upload(
      system,
      '/v1/batches?extractor=person&concurrency=50&priority=20',
      packed ? gzipSync(text) : text,
      packed ? { 'content-encoding': 'gzip' } : {},
    )
    expect(answer).toMatchObject({
      status: 202,
      body: { counts: { total: 1_000 }, concurrency: 50, priority: 20, skipped: null },
    })
    const results = await system.results(answer.body.id)
    expect(results.map(({ index }) => index)).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
  }
})

test('all options of a batch can be given with a stream, as JSON where they are objects', async () => {
  const system = await withPerson()
  const options = new URLSearchParams({
    extractor: 'person',
    deadlines: '{"call_s": 20}',
    metadata: '{"source": "mail"}',
  })
  const answer = await upload(system, `/v1/batches?${options.toString()}`, lines(people(2)))
  expect(answer).toMatchObject({ status: 202, body: { deadlines: { call_s: 20 }, metadata: { source: 'mail' } } })
  for (const wrong of ['deadlines={', 'deadlines={"call_s":-1}', 'metadata=[]']) {
    const refused = await upload(system, `/v1/batches?extractor=person&${wrong}`, lines(people(2)))
    expect(refused).toMatchObject({
      status: 400,
      body: { error: { param: expect.stringMatching(/^(deadlines|metadata)/) } },
    })
  }
})

test('the response states what was on disk when it was sent', async () => {
  const system = await withPerson()
  const response = await fetch(`${system.url}/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ extractor: 'person', items: ['Ann is 3'] }),
  })
  expect(response.status).toBe(202)
  expect(response.headers.get('x-sluice-durability')).toBe('always')
  expect(system.api.output()).toContain('"durability":"always"')
})

test('a bad line ends the upload with its number, and nothing of it remains', async () => {
  const system = await withPerson()
  const text = `${lines(people(500))}{"text": ""}\n${lines(people(10))}`
  expect(await upload(system, '/v1/batches?extractor=person', text)).toMatchObject({
    status: 400,
    body: {
      error: { code: 'invalid_item', param: 'line 501: text', message: expect.stringContaining('Line 501') as string },
    },
  })
  expect((await system.request('GET', '/v1/batches')).body.data).toEqual([])
  const broken = await upload(system, '/v1/batches?extractor=person', gzipSync(text).subarray(0, 100), {
    'content-encoding': 'gzip',
  })
  expect(broken).toMatchObject({ status: 400, body: { error: { param: 'content-encoding' } } })
  expect(await upload(system, '/v1/batches?extractor=person', 'x', { 'content-encoding': 'br' })).toMatchObject({
    status: 400 + 15,
  })
})

test('bad lines are left out and reported when asked for', async () => {
  const system = await withPerson()
  const text = `"Ann is 3"\n{oops\n"Bob is 4"\n{"id":"0","text":"twice"}\n42\n`
  const { status, body } = await upload(system, '/v1/batches?extractor=person&on_invalid=skip', text)
  expect(status).toBe(202)
  expect(body.counts.total).toBe(2)
  expect(body.skipped.count).toBe(3)
  expect(body.skipped.first.map(({ line }: { line: number }) => line)).toEqual([2, 4, 5])
})

test('an interrupted upload continues where it stopped, and is sealed', async () => {
  const system = await withPerson()
  await system.worker()
  const opened = await system.request('POST', '/v1/batches/uploads', { extractor: 'person', metadata: { from: 'me' } })
  expect(opened).toMatchObject({ status: 201, body: { status: 'uploading', counts: { total: 0 } } })
  const { id } = opened.body as Batch
  const texts = people(2_000)

  // The connection is cut in the middle.
  const cut = request(`${system.url}/v1/batches/${id}/items?from=0`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  })
  cut.on('error', () => {})
  cut.write(lines(texts.slice(0, 1_500)))
  await expect.poll(async () => (await system.batch(id)).counts.total).toBeGreaterThan(1_000)
  cut.destroy()
  await new Promise((resolve) => cut.once('close', resolve))

  // Repeating from the beginning is refused with the place to continue from, once what had arrived is staged; nothing doubles.
  const refusals = new Set<string>()
  await expect
    .poll(async () => {
      const { status, body } = await upload(system, `/v1/batches/${id}/items?from=0`, lines(texts))
      const known = refusals.has(body.error.message)
      refusals.add(body.error.message)
      return { status, code: body.error.code, known }
    })
    .toEqual({ status: 409, code: 'upload_position', known: true })
  const { total } = (await system.batch(id)).counts
  expect([...refusals].at(-1)).toContain(`from=${total}`)
  expect(total).toBeLessThanOrEqual(1_500)
  const rest = await upload(system, `/v1/batches/${id}/items?from=${total}`, lines(texts.slice(total)))
  expect(rest).toMatchObject({ status: 200, body: { counts: { total: 2_000 } } })
  // An id that came in an earlier request is known.
  expect(await upload(system, `/v1/batches/${id}/items?from=2000`, lines([{ id: '5', text: 'again' }]))).toMatchObject({
    status: 400,
    body: { error: { code: 'duplicate_id' } },
  })

  const sealed = await system.request('POST', `/v1/batches/${id}/seal`)
  expect(sealed).toMatchObject({ status: 202, body: { status: 'in_progress', metadata: { from: 'me' } } })
  expect((await system.request('POST', `/v1/batches/${id}/seal`)).status).toBe(202)
  expect((await upload(system, `/v1/batches/${id}/items?from=2000`, lines(['late']))).body.error.code).toBe(
    'batch_sealed',
  )
  const results = await system.results(id)
  expect(results.map(({ data }) => (data as { age: number }).age)).toEqual(texts.map((_, i) => 20 + (i % 60)))
})

test('ids are unique over all requests of an upload, given ones and those that are an index', async () => {
  const system = await withPerson()
  const open = async () =>
    ((await system.request('POST', '/v1/batches/uploads', { extractor: 'person' })).body as Batch).id
  const refused = async (first: readonly unknown[], second: readonly unknown[]) => {
    const id = await open()
    expect((await upload(system, `/v1/batches/${id}/items?from=0`, lines(first))).status).toBe(200)
    const { body } = await upload(system, `/v1/batches/${id}/items?from=${first.length}`, lines(second))
    return body.error?.code as string | undefined
  }
  const given = (id: string) => ({ id, text: 'Ann is 3' })
  expect(await refused([given('x'), 'b'], [given('x')])).toBe('duplicate_id')
  // Item 2 has the id 2 unless it is given another.
  expect(await refused([given('2'), 'b'], ['c'])).toBe('duplicate_id')
  expect(await refused(['a', 'b'], [given('1')])).toBe('duplicate_id')
  expect(await refused([given('x'), 'b'], [given('y'), 'd'])).toBeUndefined()
  expect(await refused(['a', 'b'], ['c', given('y')])).toBeUndefined()
})

test('two uploads at once neither overlap nor leave a gap', async () => {
  const system = await withPerson()
  const { id } = (await system.request('POST', '/v1/batches/uploads', { extractor: 'person' })).body as Batch
  const both = await Promise.all([
    upload(system, `/v1/batches/${id}/items?from=0`, lines(people(3_000))),
    upload(system, `/v1/batches/${id}/items?from=0`, lines(people(2_990))),
  ])
  expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
  const { counts } = await system.batch(id)
  expect([3_000, 2_990]).toContain(counts.total)
})
