import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeBomb, makePdf } from '../../packages/documents/test/pdfs.ts'
import { person, startSystem, type System } from '../support/system.ts'
import { calm, errorOf, expectResponsive, peakMb, send, watched, whileProbing } from './attack.ts'

interface File {
  readonly name: string
  readonly bytes: Uint8Array | string
}

function form(files: readonly File[]): { headers: Record<string, string>; body: Buffer } {
  const part = (head: string, bytes: Uint8Array | string) =>
    Buffer.concat([
      Buffer.from(`--edge\r\ncontent-disposition: form-data; ${head}\r\n\r\n`),
      Buffer.from(bytes),
      Buffer.from('\r\n'),
    ])
  return {
    headers: { 'content-type': 'multipart/form-data; boundary=edge' },
    body: Buffer.concat([
      part('name="batch"', JSON.stringify({ extractor: person })),
      ...files.map(({ name, bytes }) => part(`name="documents"; filename="${name}"`, bytes)),
      Buffer.from('--edge--\r\n'),
    ]),
  }
}

/** A PDF of these objects, the first of which is its catalogue, without a table: readers rebuild it. */
function pdf(objects: readonly string[]): string {
  return `%PDF-1.7\n${objects.map((object, at) => `${at + 1} 0 obj\n${object}\nendobj\n`).join('')}trailer\n<< /Root 1 0 R /Size ${objects.length + 1} >>\n%%EOF\n`
}

const depth = 20_000
const page = (more = '') => `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] ${more} >>`
const attacks: [string, File][] = [
  [
    'a page tree that is deep',
    {
      name: 'a.pdf',
      bytes: pdf([
        '<< /Type /Catalog /Pages 2 0 R >>',
        ...Array.from({ length: depth }, (_, at) => `<< /Type /Pages /Kids [${at + 3} 0 R] /Count 1 >>`),
        page(),
      ]),
    },
  ],
  [
    'a page tree that is its own child',
    {
      name: 'a.pdf',
      bytes: pdf(['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000 >>']),
    },
  ],
  [
    'a count of a thousand million pages',
    {
      name: 'a.pdf',
      bytes: pdf(['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [3 0 R] /Count 1000000000 >>', page()]),
    },
  ],
  [
    'lists that are deep',
    {
      name: 'a.pdf',
      bytes: pdf([
        '<< /Type /Catalog /Pages 2 0 R >>',
        `<< /Type /Pages /Kids ${'['.repeat(100_000)}${']'.repeat(100_000)} /Count 1 >>`,
      ]),
    },
  ],
  [
    'JavaScript',
    {
      name: 'a.pdf',
      bytes: pdf([
        '<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (while\\(true\\){}) >> >>',
        '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        page('/AA << /O << /S /JavaScript /JS (for\\(;;\\);) >> >>'),
      ]),
    },
  ],
  [
    'an action that opens a program',
    {
      name: 'a.pdf',
      bytes: pdf([
        '<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /Launch /F (/bin/sh) >> >>',
        '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        page(),
      ]),
    },
  ],
  [
    'an image of a hundred thousand pixels squared',
    {
      name: 'a.pdf',
      bytes: pdf([
        '<< /Type /Catalog /Pages 2 0 R >>',
        '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        page('/Resources << /XObject << /I 4 0 R >> >> /Contents 5 0 R'),
        '<< /Type /XObject /Subtype /Image /Width 100000 /Height 100000 /BitsPerComponent 8 /ColorSpace /DeviceRGB /Length 3 >>\nstream\nabc\nendstream',
        '<< /Length 4 >>\nstream\n/I Do\nendstream',
      ]),
    },
  ],
  [
    'an embedded file',
    {
      name: 'a.pdf',
      bytes: pdf([
        '<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(a.exe) 4 0 R] >> >> >>',
        '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
        page(),
        '<< /Type /Filespec /F (a.exe) /EF << /F 5 0 R >> >>',
        '<< /Type /EmbeddedFile /Length 2 >>\nstream\nMZ\nendstream',
      ]),
    },
  ],
  ['a zip under the name of a PDF', { name: 'a.pdf', bytes: gzipSync(Buffer.alloc(50 * 2 ** 20)) }],
  ['a zip under the name of a text', { name: 'a.txt', bytes: gzipSync(Buffer.alloc(50 * 2 ** 20)) }],
  ['tags without an end', { name: 'a.html', bytes: '<b><i>'.repeat(1_000_000) }],
  [
    'a table of a million columns',
    {
      name: 'a.html',
      bytes: `<table><tr>${'<td>x'.repeat(300_000)}<tr><td colspan=1000000000 rowspan=1000000000>y</table>`,
    },
  ],
  ['entities without an end', { name: 'a.html', bytes: '&lt;'.repeat(2_000_000) }],
  [
    'an entity that names entities',
    {
      name: 'a.xhtml',
      bytes: `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><p>&b;&c;</p>`,
    },
  ],
]

describe('documents', () => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ env: { ...watched, SLUICE_DOCUMENT_S: '4' }, keepFor: 'file' })
  })

  test('that attack their reader fail or are read, one by one, while the API serves others', async () => {
    const worker = await system.worker()
    const bomb: [string, File] = ['a stream that unpacks to 400 MB', { name: 'a.pdf', bytes: await makeBomb(400) }]
    const good: [string, File] = [
      'a good one',
      { name: 'good.pdf', bytes: await makePdf(['My name is Ann and I am 31 years old.']) },
    ]
    const files = [...attacks, bomb, good].map(([, { name, bytes }], at) => ({ name: `${at}-${name}`, bytes }))
    const before = await calm(system)
    let id = ''
    const probe = await whileProbing(system, async () => {
      const answer = await send(system, 'POST', '/v1/batches', form(files))
      expect([answer.status, answer.text.slice(0, 300)]).toEqual([202, expect.any(String)])
      id = (JSON.parse(answer.text) as { id: string }).id
    })
    await system.until(id, ({ status }) => status === 'completed', 60_000)
    const results = await system.results(id)
    expect(results).toHaveLength(files.length)
    expect(results.at(-1)).toMatchObject({ status: 'succeeded', data: { name: 'Ann', age: 31 } })
    for (const { status, error, data } of results) {
      if (status === 'failed') expect(['unreadable', 'too_large', 'invalid_output']).toContain(error?.type)
      expect(JSON.stringify([error, data])).not.toMatch(/root:|\/bin\/|node_modules/)
    }
    expect(results.filter(({ status }) => status === 'failed').length).toBeGreaterThan(5)
    console.error('documents', { before, probe, peakMb: await peakMb(system.api.child) })
    expectResponsive(before, probe)
    expect(await peakMb(system.api.child)).toBeLessThan(600)
    await worker.stop()
  })

  test.each(['../../etc/passwd', '/etc/passwd', '..\\\\..\\\\x.txt', 'C:\\\\x.txt', '~/x.txt'])(
    '%s is a name and never a path',
    async (name) => {
      const file = name.endsWith('.txt') ? name : `${name}.txt`
      const answer = await send(system, 'POST', '/v1/batches', form([{ name: file, bytes: 'hello' }]))
      expect(answer.status).toBe(202)
    },
  )

  test.each(['a\u0007.txt', 'a\u001b[31m.txt', 'a\u0000.txt', 'a\u007f.txt', '\u009b2J.txt'])(
    'a name with control characters (%j) is refused',
    async (name) => {
      const answer = await send(system, 'POST', '/v1/batches', form([{ name, bytes: 'hello' }]))
      expect([answer.status, errorOf(answer).param]).toEqual([400, 'documents[0]'])
    },
  )

  test('three thousand small ones are read in one request, in little memory', async () => {
    const files = Array.from({ length: 3_000 }, (_, at) => ({
      name: `${at}.txt`,
      bytes: `My name is Ann and I am ${at} years old.`,
    }))
    const answer = await send(system, 'POST', '/v1/batches', form(files))
    expect([answer.status, JSON.parse(answer.text).counts.total]).toEqual([202, 3_000])
    expect(await peakMb(system.api.child)).toBeLessThan(600)
  })

  test('headers of parts, names of fields and parts without an end are bounded', async () => {
    const broken = [
      `--edge\r\n${'x-a: b\r\n'.repeat(100_000)}\r\n\r\nx\r\n--edge--\r\n`,
      `--edge\r\ncontent-disposition: form-data; name="${'a'.repeat(1_000_000)}"\r\n\r\nx\r\n--edge--\r\n`,
      `--edge\r\ncontent-disposition: form-data; name="batch"\r\n\r\n${'x'.repeat(6_000_000)}\r\n--edge--\r\n`,
      '--edge\r\n'.repeat(500_000),
      `--edge\r\ncontent-disposition: form-data; name="batch"\r\n\r\n{"extractor":`,
      '',
    ]
    for (const body of broken) {
      const answer = await send(system, 'POST', '/v1/batches', {
        headers: { 'content-type': 'multipart/form-data; boundary=edge' },
        body,
      })
      expect([400, 413]).toContain(answer.status)
      expect(errorOf(answer).type).toBe('invalid_request_error')
    }
  })
})
