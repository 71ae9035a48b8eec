import { describe, expect, test } from 'vitest'
import { makePdf } from '../test/pdfs.ts'
import { documentKind } from './document-kind.ts'
import { readDocument } from './read-document.ts'

const limits = { bytes: 1_000_000, pages: 3, characters: 2_000, timeMs: 10_000, memoryMb: 256 }
const bytesOf = (text: string, encoding: BufferEncoding = 'utf8') => new Uint8Array(Buffer.from(text, encoding))
const read = (kind: 'text' | 'html' | 'pdf', bytes: Uint8Array<ArrayBuffer>) => readDocument({ kind, bytes }, limits)

describe('a text', () => {
  test.each([
    ['UTF-8', bytesOf('Grüße, 東京 👋')],
    ['UTF-8 with a byte order mark', bytesOf('\uFEFFGrüße, 東京 👋')],
    ['UTF-16', bytesOf('\uFEFFGrüße, 東京 👋', 'utf16le')],
  ])('is read as %s', async (_, bytes) => {
    expect(await read('text', bytes)).toEqual({ type: 'text', text: 'Grüße, 東京 👋' })
  })

  test.each([
    ['that is not UTF-8', bytesOf('Grüße', 'latin1'), /UTF-8/],
    ['that is a picture', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]), /UTF-8/],
    ['of zeros', new Uint8Array(100), /UTF-8/],
    ['without a word', bytesOf(' \n\t '), /empty/],
  ])('%s is unreadable', async (_, bytes, message) => {
    expect(await read('text', bytes)).toEqual({ type: 'unreadable', message: expect.stringMatching(message) as string })
  })

  test('that is too long is too large', async () => {
    expect(await read('text', bytesOf('x'.repeat(2_001)))).toMatchObject({ type: 'too_large' })
    expect(await read('text', bytesOf('x'.repeat(2_000)))).toMatchObject({ type: 'text' })
  })
})

describe('a page', () => {
  const html = `<!doctype html><html><head><title>T</title><style>p { color: red }</style><script>alert("no")</script></head>
    <body><h1>The Müller File</h1><p>Ann is <b>31</b> years&nbsp;old &amp; <a href="https://example.com/x">lives</a> here.</p>
    <p>Second.</p><ul><li>one<li>two</ul><table><tr><th>Name<th>Age<tr><td>Bob<td>42</table><img src="a.png" alt="alt"></body></html>`

  test('gives what is to be read of it, blocks apart, and nothing else', async () => {
    const page = await read('html', bytesOf(html))
    const text = page.type === 'text' ? page.text : ''
    expect(text).toContain('The Müller File\n')
    expect(text).toContain('Ann is 31 years\u00a0old & lives here.\n\nSecond.')
    expect(text).toMatch(/one\n.*two/)
    expect(text).toMatch(/Name +Age\nBob +42/)
    expect(text).not.toMatch(/alert|color|example\.com|png|</)
  })

  test('is read in the encoding that it declares', async () => {
    const declared = bytesOf('<meta charset="iso-8859-1"><p>Grüße</p>', 'latin1')
    expect(await read('html', declared)).toEqual({ type: 'text', text: 'Grüße' })
  })

  test('that is broken, or nested without end, is read as far as it goes', async () => {
    expect(await read('html', bytesOf('<p>Ann <b>is 31</i> <div'))).toMatchObject({ text: 'Ann is 31' })
    expect(await read('html', bytesOf(`Ann ${'<div>'.repeat(50_000)}is 31`))).toMatchObject({ type: 'text' })
  })

  test('without text is unreadable', async () => {
    expect(await read('html', bytesOf('<img src="a.png">'))).toMatchObject({ type: 'unreadable', message: /no text/ })
  })
})

describe('a PDF', () => {
  test('gives the text of its pages in order', async () => {
    const pdf = await makePdf(['My name is Ann.\nI am 31.', 'Grüße from page two.', 'The end.'])
    expect(await read('pdf', pdf)).toEqual({
      type: 'text',
      text: 'My name is Ann.\nI am 31.\n\nGrüße from page two.\n\nThe end.',
    })
  })

  test('that is encrypted is unreadable', async () => {
    const pdf = await makePdf(['secret'], { password: 'swordfish' })
    expect(await read('pdf', pdf)).toEqual({
      type: 'unreadable',
      message: 'The PDF is encrypted: send it without its password.',
    })
  })

  test('that is broken is unreadable, wherever it is cut', async () => {
    expect(await read('pdf', bytesOf('%PDF-1.4 and nothing more'))).toMatchObject({ type: 'unreadable' })
    expect(await read('pdf', bytesOf('<html>'))).toMatchObject({ type: 'unreadable' })
    expect(await read('pdf', new Uint8Array())).toMatchObject({ type: 'unreadable' })
    const pdf = await makePdf(['My name is Ann.'])
    for (let length = 0; length < pdf.length; length += 97) {
      // What is left may still tell its text.
      expect(['text', 'unreadable']).toContain((await read('pdf', pdf.slice(0, length))).type)
    }
  })

  test('without text is unreadable, as its pages may be pictures', async () => {
    expect(await read('pdf', await makePdf(['', '']))).toMatchObject({ type: 'unreadable', message: /OCR/ })
  })

  test('with too many pages is too large', async () => {
    expect(await read('pdf', await makePdf(['1', '2', '3', '4']))).toEqual({
      type: 'too_large',
      message: 'The PDF has 4 pages, and at most 3 are read.',
    })
  })
})

test.each([
  ['report.PDF', 'application/octet-stream', 'pdf'],
  ['notes.md', '', 'text'],
  ['page.htm', 'text/plain', 'html'],
  ['blob', 'text/html', 'html'],
  ['a/b.c/README', 'text/markdown', 'text'],
  ['report.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document', null],
  ['blob', 'application/octet-stream', null],
])('%s of type %j is read as %s', (name, type, kind) => {
  expect(documentKind(name, type)).toBe(kind)
})
