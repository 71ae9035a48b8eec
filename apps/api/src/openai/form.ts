import type { Readable } from 'node:stream'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import type { Request } from 'express'
import { bodyOf } from '../gate/body.ts'
import { OpenAiError } from './errors.ts'

const mostFields = 32
const mostFieldBytes = 65_536

export interface FileForm<T> {
  readonly fields: ReadonlyMap<string, string>
  /** What `onFile` made of the file; undefined: the form has none. */
  readonly file: T | undefined
}

export interface FileFormOptions<T> {
  /** The name of the part that is a file. */
  readonly name: string
  /** Takes the bytes as they come. Its form may not have arrived whole yet: `fields` resolves when it has, and rejects if it does not. */
  readonly onFile: (
    filename: string,
    chunks: AsyncIterable<Buffer>,
    fields: Promise<FileForm<T>['fields']>,
  ) => Promise<T>
}

/** Reads a form with one file, whatever the order of its parts, in memory that does not depend on the file's length. */
export async function readFileForm<T>(req: Request, { name, onFile }: FileFormOptions<T>): Promise<FileForm<T>> {
  const fields = new Map<string, string>()
  const whole = Promise.withResolvers<FileForm<T>['fields']>()
  whole.promise.catch(() => undefined)
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => undefined)
  let file: Promise<T> | undefined
  let stream: Readable | undefined

  const parser = openParser(req, name)
  parser.on('error', (error: Error) => broken.reject(unreadable(error)))
  parser.on('fieldsLimit', () => broken.reject(new OpenAiError(400, `The form has more than ${mostFields} fields.`)))
  parser.on('field', (field, value, _nameCut, valueCut) => {
    if (valueCut) broken.reject(new OpenAiError(400, `'${field}' is too long.`, { param: field }))
    fields.set(field, value)
  })
  parser.on('file', (_name, chunks, filename) => {
    stream = chunks
    // Whoever reads it gets the error, and its own error counts.
    chunks.on('error', () => undefined)
    if (file !== undefined) {
      broken.reject(new OpenAiError(400, `The form has more than one '${name}'.`, { param: name }))
      chunks.resume()
      return
    }
    file = onFile(filename ?? '', chunks as AsyncIterable<Buffer>, whole.promise)
    file.then(
      // What it did not read would hold the parser back.
      () => chunks.resume(),
      (error: unknown) => broken.reject(error),
    )
  })

  try {
    for await (const chunk of bodyOf(req)) {
      const written = new Promise<void>((resolve) => {
        parser.write(chunk, () => resolve())
      })
      await Promise.race([written, broken.promise])
    }
    const ended = new Promise<void>((resolve) => {
      parser.once('finish', resolve)
    })
    parser.end()
    await Promise.race([ended, broken.promise])
    whole.resolve(fields)
    return { fields, file: await file }
  } catch (error) {
    // Ends what `onFile` reads, and waits until it has removed what it stored.
    whole.reject(error)
    stream?.destroy(error as Error)
    await file?.catch(() => undefined)
    throw error
  }
}

function openParser(req: Request, name: string): BusboyInstance {
  try {
    return new Busboy({
      headers: { ...req.headers, 'content-type': req.headers['content-type'] ?? '' },
      isPartAFile: (part) => part === name,
      limits: {
        fields: mostFields,
        fieldSize: mostFieldBytes,
        fieldNameSize: 256,
        headerPairs: 16,
        parts: 2 * mostFields,
      },
    })
  } catch (error) {
    throw unreadable(error as Error)
  }
}

function unreadable(error: Error): Error {
  return error instanceof OpenAiError || error.name === 'SluiceError'
    ? error
    : new OpenAiError(
        400,
        `The form cannot be read: ${error.message.replace(/\.$/, '')}. Send multipart/form-data with the file.`,
      )
}
