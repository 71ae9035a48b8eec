import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { people, person, startSystem, type System } from '../support/system.ts'
import { calm, errorOf, expectResponsive, peakMb, send, watched, whileProbing } from './attack.ts'

const nest = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const extractor = JSON.stringify(person)
const json = { 'content-type': 'application/json' }
const ndjson = { 'content-type': 'application/x-ndjson' }

function form(fields: Record<string, string>): { headers: Record<string, string>; body: string } {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: `${parts.join('')}--x--\r\n` }
}

type Sent = { path: string; headers: Record<string, string>; body: string; param: string }
/** Every place that takes JSON. `deep`: JSON that is nested. */
const places: [string, (deep: string) => Sent][] = [
  [
    'a schema',
    (deep) => ({ path: '/v1/extractors', headers: json, body: `{"name":"deep","schema":${deep}}`, param: 'schema' }),
  ],
  [
    'an inline schema',
    (deep) => ({
      path: '/v1/batches',
      headers: { ...json, 'idempotency-key': 'k' },
      body: `{"extractor":{"schema":${deep}},"items":["a"]}`,
      param: 'extractor.schema',
    }),
  ],
  [
    "an item's metadata",
    (deep) => ({
      path: '/v1/batches',
      headers: json,
      body: `{"extractor":${extractor},"items":["a",{"text":"b","metadata":${deep}}]}`,
      param: 'items[1].metadata',
    }),
  ],
  [
    "a batch's metadata",
    (deep) => ({
      path: '/v1/batches',
      headers: json,
      body: `{"extractor":${extractor},"items":["a"],"metadata":${deep}}`,
      param: 'metadata',
    }),
  ],
  [
    "a summary's metadata",
    (deep) => ({ path: '/v1/summaries', headers: json, body: `{"text":"a","metadata":${deep}}`, param: 'metadata' }),
  ],
  [
    'an extract',
    (deep) => ({
      path: '/v1/extract',
      headers: json,
      body: `{"extractor":{"schema":${deep}},"text":"a"}`,
      param: 'extractor.schema',
    }),
  ],
  [
    "an upload's metadata",
    (deep) => ({
      path: '/v1/batches/uploads',
      headers: json,
      body: `{"extractor":${extractor},"metadata":${deep}}`,
      param: 'metadata',
    }),
  ],
  [
    'an estimate',
    (deep) => ({
      path: '/v1/batches/estimate',
      headers: json,
      body: `{"extractor":${extractor},"items":[{"text":"b","metadata":${deep}}]}`,
      param: 'items[0].metadata',
    }),
  ],
  [
    'a retry',
    (deep) => ({ path: '/v1/batches/batch_x/retry', headers: json, body: `{"items":${deep}}`, param: 'items' }),
  ],
  [
    'a line',
    (deep) => ({
      path: '/v1/batches?extractor=person',
      headers: ndjson,
      body: `"a"\n{"text":"b","metadata":${deep}}\n`,
      param: 'line 2: metadata',
    }),
  ],
  [
    'a form of documents',
    (deep) => ({
      path: '/v1/batches',
      ...form({ batch: `{"extractor":${extractor},"metadata":${deep}}` }),
      param: 'batch: metadata',
    }),
  ],
  [
    'a form of a summary',
    (deep) => ({ path: '/v1/summaries', ...form({ summary: `{"metadata":${deep}}` }), param: 'summary: metadata' }),
  ],
]

describe('deep JSON', () => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ keepFor: 'file' })
    await system.request('POST', '/v1/extractors', { name: 'person', ...person })
  })

  test.each(places)('in %s is refused with the pointer, and nothing is stored', async (_, place) => {
    for (const deep of [nest(100), nest(3_000), nest(20_000), lists(3_000), lists(100_000)]) {
      const { path, param, ...request } = place(deep)
      const answer = await send(system, 'POST', path, request)
      expect([answer.status, errorOf(answer)]).toEqual([
        400,
        {
          type: 'invalid_request_error',
          code: 'too_deep',
          message: expect.stringContaining('nested deeper than 64 levels') as string,
          param: expect.stringContaining(param) as string,
        },
      ])
      expect(answer.text.length).toBeLessThan(3_000)
    }
    expect((await system.request('GET', '/v1/batches')).body.data).toEqual([])
    expect((await system.request('GET', '/v1/extractors')).body.data).toHaveLength(1)
  })

  test('in the query is refused', async () => {
    for (const name of ['metadata', 'deadlines']) {
      const path = `/v1/batches?extractor=person&${name}=${encodeURIComponent(nest(600))}`
      const answer = await send(system, 'POST', path, { headers: ndjson, body: '"a"\n' })
      expect([answer.status, errorOf(answer).code]).toEqual([400, 'too_deep'])
    }
  })

  test('of 60 levels is taken and comes back', async () => {
    const metadata = JSON.parse(nest(60)) as unknown
    const { body, status } = await system.request('POST', '/v1/batches', { extractor: person, items: ['a'], metadata })
    expect([status, body.metadata]).toEqual([202, metadata])
    await system.request('POST', `/v1/batches/${body.id}/cancel`)
    await system.request('DELETE', `/v1/batches/${body.id}`)
  })
})

test('large bodies are parsed as they are written, whatever their form', async () => {
  const system = await startSystem()
  const items = Array.from({ length: 30_000 }, (_, index) =>
    index % 3 === 0
      ? `Grüße, "東京" 👋 [${index}]`
      : { id: `id-${index}`, text: `{"a":[${index},]}`, metadata: { index, list: [1, [2]] } },
  )
  const { status, body } = await system.request('POST', '/v1/batches', {
    metadata: { list: items.slice(0, 3) },
    items,
    extractor: person,
  })
  expect([status, body.counts.total, body.metadata]).toEqual([202, 30_000, { list: items.slice(0, 3) }])
  const broken = JSON.stringify({ extractor: person, items })
  const cases = [
    broken.slice(0, -1),
    broken.slice(0, -2),
    broken.replace('"id-20000"', '"id-20000",,'),
    broken.replace('},"Gr', '},,"Gr'),
    broken.replace(/\]\}$/, ',]}'),
  ]
  for (const one of cases) {
    const answer = await send(system, 'POST', '/v1/batches', { headers: json, body: one })
    expect([answer.status, errorOf(answer).code]).toEqual([400, 'invalid_json'])
  }
})

test('deep and wide JSON, packed and many at once, is refused in little memory, and nobody else waits', async () => {
  const system = await startSystem({ env: watched })
  const mb = 2 ** 20
  const wide = [
    nest(5_000_000),
    `{"items":[${'[],'.repeat(10 * mb)}0]}`,
    `{"items":[${'{},'.repeat(10 * mb)}0],"extractor":${extractor}}`,
    `{"extractor":{"schema":{"enum":[${'0,'.repeat(15 * mb)}0]}}}`,
    `{"metadata":{${Array.from({ length: 2 * mb }, (_, i) => `"${i}":0`).join(',')}}}`,
    `[${'{"a":{}},'.repeat(3 * mb)}0]`,
    `{"extractor":${extractor},"items":[${'"",'.repeat(10 * mb)}"a"]}`,
    `{"extractor":${extractor},"items":["${'x'.repeat(31 * mb)}"]}`,
    `{"extractor":${extractor},"items":[${'"",'.repeat(99_000)}"a"]}`,
    `{"extractor":${extractor},"items":[${'{},'.repeat(99_000)}"a"]}`,
  ].map((text) => gzipSync(text))
  const headers = { ...json, 'content-encoding': 'gzip' }
  const before = await calm(system)
  const statuses: number[] = []
  const probe = await whileProbing(system, async () => {
    const until = performance.now() + 10_000
    while (performance.now() < until) {
      const answers = await Promise.all(wide.map((body) => send(system, 'POST', '/v1/batches', { headers, body })))
      statuses.push(...answers.map(({ status }) => status))
      for (const { status, headers, text } of answers) {
        expect([400, 413, 503]).toContain(status)
        expect(JSON.parse(text)).toHaveProperty('error.message')
        if (status === 503) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
      }
    }
  })
  console.error('JSON bombs', { before, probe, peakMb: await peakMb(system.api.child), answers: statuses.length })
  expect(await peakMb(system.api.child)).toBeLessThan(600)
  expectResponsive(before, probe)
  const { status } = await system.request('POST', '/v1/batches', { extractor: person, items: people(3) })
  expect(status).toBe(202)
})
