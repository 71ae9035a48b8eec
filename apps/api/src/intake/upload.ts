import { createGunzip } from 'node:zlib'
import { batchOptions, type BatchOptions, type Skipped, uploadQuery } from '@sluice/contract/batch'
import { invalidRequest } from '@sluice/contract/error'
import { parse } from '@sluice/contract/parse'
import type { Request } from 'express'

const reportedLines = 20

export interface UploadOptions {
  readonly extractor: string
  readonly options: BatchOptions
  readonly onInvalid: 'stop' | 'skip'
}

/** The options of a batch as query parameters, where its body is a stream of items. */
export function parseUploadQuery(query: unknown): UploadOptions {
  const { extractor, on_invalid: onInvalid, ...options } = parse(uploadQuery, query)
  if (extractor === undefined)
    throw invalidRequest('invalid_request', 'extractor: Name the extractor in the query: ?extractor=name.', 'extractor')
  return { extractor, options: parse(batchOptions, options), onInvalid }
}

/** The bytes of a request's body, unpacked as they come. */
export async function* bodyOf(req: Request): AsyncGenerator<Buffer> {
  const encoding = req.get('content-encoding') ?? 'identity'
  if (encoding === 'identity') {
    yield* req as AsyncIterable<Buffer>
    return
  }
  if (encoding !== 'gzip') {
    throw invalidRequest(
      'unsupported_media_type',
      `Send the lines as they are or with content-encoding: gzip, not ${encoding}.`,
      'content-encoding',
    )
  }
  const unpacked = createGunzip()
  req.on('error', (error) => unpacked.destroy(error))
  req.on('aborted', () => unpacked.destroy(new Error('aborted')))
  try {
    yield* req.pipe(unpacked) as AsyncIterable<Buffer>
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.startsWith('Z_')) throw error
    throw invalidRequest(
      'invalid_request',
      `The body is not valid gzip: ${(error as Error).message}`,
      'content-encoding',
    )
  }
}

/** Counts the lines that are left out, and keeps the first for the report. */
export function createSkipped(): {
  readonly add: (line: number, message: string) => void
  readonly report: () => Skipped | undefined
} {
  let count = 0
  const first: Skipped['first'] = []
  return {
    add(line, message) {
      count += 1
      if (first.length < reportedLines) first.push({ line, message })
    },
    report: () => (count === 0 ? undefined : { count, first }),
  }
}
