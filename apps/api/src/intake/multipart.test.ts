import { fc } from '../../../../test/support/property.ts'
import { describe, expect, test } from 'vitest'
import { type FormPart, readForm } from './multipart.ts'

const limits = { files: 'documents', mostFileBytes: 1_000, mostFieldBytes: 100 }

async function encode(form: FormData): Promise<{ headers: Record<string, string>; body: Buffer }> {
  const response = new Response(form)
  return {
    headers: { 'content-type': response.headers.get('content-type') ?? '' },
    body: Buffer.from(await response.arrayBuffer()),
  }
}
async function* chunks(body: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
}
function formOf(batch: string, files: readonly (readonly [string, string | Uint8Array<ArrayBuffer>])[]): FormData {
  const form = new FormData()
  form.append('batch', batch)
  for (const [name, content] of files) form.append('documents', new Blob([content]), name)
  return form
}
const read = async (headers: Record<string, string>, body: AsyncIterable<Buffer>) =>
  Array.fromAsync(readForm(headers, body, limits))

describe('a form', () => {
  test('is read part by part, however it is cut on its way', async () => {
    const file = fc.tuple(
      fc.constantFrom('a.txt', 'für.pdf', 'a/b/c.md', 'x"y.html'),
      fc.uint8Array({ maxLength: 300 }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 30 }),
        fc.array(file, { maxLength: 8 }),
        fc.integer({ min: 1, max: 400 }),
        async (batch, files, size) => {
          const text = JSON.stringify(batch)
          const { headers, body } = await encode(
            formOf(
              text,
              files.map(([name, bytes]) => [name, new Uint8Array(bytes)] as const),
            ),
          )
          const parts = await read(headers, chunks(body, size))
          expect(parts[0]).toEqual({ type: 'field', name: 'batch', value: text })
          expect(
            parts.slice(1).map((part) => (part.type === 'file' ? [part.fileName, Buffer.from(part.bytes)] : part)),
          ).toEqual(files.map(([name, bytes]) => [name.replaceAll('"', '%22'), Buffer.from(bytes)]))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('gives each file as soon as it is there', async () => {
    const { headers, body } = await encode(
      formOf('{}', [
        ['a.txt', 'first'],
        ['b.txt', 'second'],
      ]),
    )
    let taken = 0
    const counted = (async function* () {
      for await (const chunk of chunks(body, 16)) {
        taken += chunk.length
        yield chunk
      }
    })()
    const seen: [FormPart['type'], boolean][] = []
    for await (const part of readForm(headers, counted, limits)) seen.push([part.type, taken < body.length])
    expect(seen).toEqual([['field', true], ['file', true], expect.any(Array)])
  })

  test('cuts a file behind its limit, and goes on with the next', async () => {
    const { headers, body } = await encode(
      formOf('{}', [
        ['a.txt', 'x'.repeat(50_000)],
        ['b.txt', 'fine'],
      ]),
    )
    const sizes = (await read(headers, chunks(body, 4_000))).map((part) =>
      part.type === 'file' ? part.bytes.length : 0,
    )
    expect(sizes).toEqual([0, 1_001, 4])
  })

  test.each([
    ['a field above its limit', async () => encode(formOf('x'.repeat(101), [])), 'too_large', 'batch'],
    [
      'no border',
      async () => ({ headers: { 'content-type': 'multipart/form-data' }, body: Buffer.from('x') }),
      'invalid_request',
      'content-type',
    ],
    [
      'nothing in it',
      async () => ({ headers: { 'content-type': 'multipart/form-data; boundary=b' }, body: Buffer.alloc(0) }),
      'invalid_request',
      null,
    ],
    [
      'another border',
      async () => ({
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
        body: Buffer.from('--c\r\n\r\n\r\n--c--'),
      }),
      'invalid_request',
      null,
    ],
  ])('with %s is refused', async (_, make, code, param) => {
    const { headers, body } = await make()
    await expect(read(headers, chunks(body, 1_000))).rejects.toMatchObject({ code, param })
  })

  test('that breaks off is refused, wherever it does', async () => {
    const { headers, body } = await encode(
      formOf('{"a":1}', [
        ['a.txt', 'some text'],
        ['b.txt', 'more text'],
      ]),
    )
    // A line may end without its last two bytes.
    for (let length = 0; length < body.length - 4; length += 1)
      await expect(read(headers, chunks(body.subarray(0, length), 1_000))).rejects.toMatchObject({
        code: 'invalid_request',
      })
  })
})
