import type { IncomingHttpHeaders } from 'node:http'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import { invalidRequest } from '@sluice/contract/error'
import { limits } from '../gate/limits.ts'
import { type MemoryShare, unlimitedMemory } from '../gate/memory.ts'

export interface FormFile {
  readonly type: 'file'
  /** With its folders, as the sender wrote it: a name for people, never a path here. */
  readonly fileName: string
  readonly mediaType: string
  /** If the file is larger than the limit: one byte more than the limit. */
  readonly bytes: Uint8Array<ArrayBuffer>
}
export type FormPart = { readonly type: 'field'; readonly name: string; readonly value: string } | FormFile

export interface FormOptions {
  /** The name of the fields that are files; all others are text. */
  readonly files: string
  readonly mostFileBytes: number
  readonly mostFieldBytes: number
  /** What the request may hold in memory: files as they arrive, until they are taken and `done` with. */
  readonly memory?: MemoryShare
}

/** RFC 2046: 70 characters at most. */
const boundary = /;\s*boundary=(?:"[^"]{1,70}"|[^\s";,]{1,70}(?=$|[\s;]))/i

/**
 * The parts of a form as they arrive. One file, and those that one chunk of the body completes, are held at a time. Whoever takes a
 * file gives its bytes back to `memory`.
 */
export async function* readForm(
  headers: IncomingHttpHeaders,
  body: AsyncIterable<Buffer>,
  { files, mostFileBytes, mostFieldBytes, memory = unlimitedMemory }: FormOptions,
): AsyncGenerator<FormPart> {
  /** In the order sent; a file has its place from its beginning. */
  const arriving: { part: FormPart | null }[] = []
  let parts = 0
  let broken: Error | undefined
  const fail = (error: Error) => {
    broken ??= error
  }
  const parser = openParser()
  parser.on('error', fail)
  parser.on('field', (name, value, _nameCut, valueCut) => {
    if (valueCut) fail(invalidRequest('too_large', `${name}: The field is larger than ${mostFieldBytes} bytes.`, name))
    arriving.push({ part: { type: 'field', name, value } })
  })
  parser.on('file', (_name, stream, fileName, _encoding, mediaType) => {
    const chunks: Buffer[] = []
    const place: { part: FormPart | null } = { part: null }
    arriving.push(place)
    stream.on('error', fail)
    stream.on('data', (chunk: Buffer) => {
      try {
        memory.take(chunk.length)
        chunks.push(chunk)
      } catch (error) {
        fail(error as Error)
      }
    })
    stream.on('end', () => {
      place.part = { type: 'file', fileName, mediaType, bytes: joined(chunks) }
    })
  })

  parser.on('partsLimit', () =>
    fail(
      invalidRequest(
        'too_large',
        `A form has at most ${limits.formParts.toLocaleString('en')} parts: send the rest in another request.`,
      ),
    ),
  )

  for await (const chunk of body) {
    await new Promise<void>((resolve) => {
      parser.write(chunk, () => resolve())
    })
    yield* arrivedNow()
  }
  await new Promise<void>((resolve) => {
    parser.once('finish', resolve)
    parser.once('error', () => resolve())
    parser.end()
  })
  yield* arrivedNow()
  // The parser reports no error for a form that ends before its first part.
  if (parts === 0) throw invalidRequest('invalid_request', 'The form is empty, or did not arrive whole.')

  function openParser(): BusboyInstance {
    if (!boundary.test(headers['content-type'] ?? ''))
      throw invalidRequest(
        'invalid_request',
        'content-type: A form needs a boundary of 1 to 70 characters, as in `multipart/form-data; boundary=x`.',
        'content-type',
      )
    try {
      return new Busboy({
        headers: { ...headers, 'content-type': headers['content-type'] ?? '' },
        preservePath: true,
        isPartAFile: (name) => name === files,
        limits: {
          fileSize: mostFileBytes + 1,
          fieldSize: mostFieldBytes,
          fieldNameSize: 256,
          headerPairs: 16,
          parts: limits.formParts,
        },
      })
    } catch (error) {
      throw invalidRequest('invalid_request', `The form cannot be read: ${(error as Error).message}`, 'content-type')
    }
  }

  function* arrivedNow(): Generator<FormPart> {
    while (arriving[0]?.part) {
      yield arriving[0].part
      arriving.shift()
      parts += 1
    }
    if (broken === undefined) return
    throw broken.name === 'SluiceError'
      ? broken
      : invalidRequest('invalid_request', `The form did not arrive whole: ${broken.message}`)
  }
}

/** One separate buffer, which can be sent to another process. */
function joined(chunks: readonly Buffer[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
