import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { person, startSystem } from '../support/system.ts'
import { peakMb, send } from './attack.ts'

const items = 1_000_000
const linesAtOnce = 5_000

function* lines(): Generator<string> {
  for (let from = 0; from < items; from += linesAtOnce)
    yield Array.from({ length: linesAtOnce }, (_, at) => `"My name is Ann and I am ${from + at}."\n`).join('')
}

test('bombs of all kinds at once take less than 600 MB, and an honest upload of a million items beside them is taken', async () => {
  const system = await startSystem()
  await system.request('POST', '/v1/extractors', { name: 'person', ...person })
  const mb = 2 ** 20
  const json = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  const ndjson = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' }
  const form = { 'content-type': 'multipart/form-data; boundary=x' }
  const document = (name: string, content: string) =>
    Buffer.from(
      `--x\r\ncontent-disposition: form-data; name="batch"\r\n\r\n{"extractor":"person"}\r\n--x\r\ncontent-disposition: form-data; name="documents"; filename="${name}"\r\n\r\n${content}\r\n--x--\r\n`,
    )
  const packed = [
    '['.repeat(30 * mb),
    `{"items":[${'[],'.repeat(10 * mb)}0]}`,
    `{"items":[${'"",'.repeat(10 * mb)}"a"],"extractor":"person"}`,
    `{"extractor":{"schema":{"enum":[${'0,'.repeat(15 * mb)}0]}}}`,
    `[${'{"a":{}},'.repeat(3 * mb)}0]`,
    `{"extractor":"person","items":["${'x'.repeat(31 * mb)}"]}`,
  ].map((text) => gzipSync(text))
  const empty = gzipSync(Buffer.alloc(256 * mb, '\n'))
  const hostile = [document('a.html', '<b><i>'.repeat(1_000_000)), document('a.html', '&lt;'.repeat(2_000_000))]

  const honest: { status?: number } = {}
  const upload = fetch(`${system.url}/v1/batches?extractor=person`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: Readable.toWeb(Readable.from(lines())) as ReadableStream,
    duplex: 'half',
  }).then(async (response) => {
    honest.status = response.status
    return (await response.json()) as { counts: { total: number } }
  })
  const refused: number[] = []
  let rounds = 0
  while (honest.status === undefined && rounds < 40) {
    rounds += 1
    const answers = await Promise.all([
      ...packed.map((body) => send(system, 'POST', '/v1/batches', { headers: json, body })),
      ...Array.from({ length: 8 }, () =>
        send(system, 'POST', '/v1/batches?extractor=person', { headers: ndjson, body: empty }),
      ),
      ...hostile.map((body) => send(system, 'POST', '/v1/batches', { headers: form, body })),
    ])
    refused.push(...answers.slice(0, packed.length + 8).map(({ status }) => status))
  }
  const { counts } = await upload
  console.error('memory', { rounds, ...honest, peakMb: await peakMb(system.api.child) })
  expect([honest.status, counts.total]).toEqual([202, items])
  expect(refused.filter((status) => ![400, 413, 503].includes(status))).toEqual([])
  expect(await peakMb(system.api.child)).toBeLessThan(600)
}, 280_000)
