import { type Duplex, pipeline, Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { invalidRequest, SluiceError } from '@sluice/contract/error'
import type { Request } from 'express'
import { boundsOf } from './bounds.ts'
import { limits } from './limits.ts'

const unpackedChunkBytes = 64 * 1024

const or = new Intl.ListFormat('en', { type: 'disjunction' })
const decoders: Readonly<Record<string, () => Duplex>> = {
  gzip: () => createGunzip({ chunkSize: unpackedChunkBytes }),
  'x-gzip': () => createGunzip({ chunkSize: unpackedChunkBytes }),
  deflate: () => createInflate({ chunkSize: unpackedChunkBytes }),
  br: () => createBrotliDecompress({ chunkSize: unpackedChunkBytes }),
}

export interface BodyLimits {
  readonly unpackedBytes: number
  /** How long all of it may take to arrive; undefined: any time, as long as bytes keep arriving. */
  readonly timeMs?: number
  /** The encodings that are unpacked, by their names in `content-encoding`. */
  readonly encodings: readonly string[]
  readonly tooLarge: () => SluiceError
}

/** Of a stream of items or a form: it may be large, and take any time as long as bytes keep arriving. */
const streamLimits: BodyLimits = {
  unpackedBytes: limits.unpackedBytes,
  encodings: ['gzip', 'x-gzip'],
  tooLarge: () =>
    new SluiceError(
      'invalid_request_error',
      'too_large',
      `The body is larger than ${limits.unpackedBytes / 2 ** 30} GB unpacked: send it in several requests.`,
    ),
}

/**
 * The bytes of a request's body, unpacked while they are read. Every reader of a body uses this: it throws a SluiceError when the
 * sender leaves, stops or sends too slowly, and when the body unpacks to too much.
 */
export async function* bodyOf(req: Request, bodyLimits: BodyLimits = streamLimits): AsyncGenerator<Buffer> {
  const { gone, askForBody } = boundsOf(req)
  const received = { bytes: 0 }
  const unpacked = unpack(req, received, bodyLimits)
  askForBody()
  let bytes = 0
  try {
    for await (const chunk of unpacked) {
      if (gone.aborted) throw senderLeft()
      bytes += chunk.length
      if (bytes > bodyLimits.unpackedBytes) throw bodyLimits.tooLarge()
      if (bytes > limits.freeUnpackedBytes && bytes > received.bytes * limits.ratio) throw tooCompressed()
      yield chunk
      // Nothing is unpacked for a sender that has left.
      if (gone.aborted) throw senderLeft()
    }
  } catch (error) {
    throw explain(error)
  }
}

function unpack(req: Request, received: { bytes: number }, { timeMs, encodings }: BodyLimits): AsyncIterable<Buffer> {
  const encoding = (req.get('content-encoding') ?? 'identity').trim().toLowerCase()
  const raw = rawBody(req, received, timeMs)
  if (encoding === 'identity' || encoding === '') return raw
  const decoder = encodings.includes(encoding) ? decoders[encoding] : undefined
  if (decoder === undefined) {
    throw invalidRequest(
      'unsupported_media_type',
      `Send the body as it is${encodings.length > 0 ? ` or with content-encoding: ${or.format(encodings)}` : ''}, not ${encoding}.`,
      'content-encoding',
    )
  }
  const unpacked = decoder()
  // An error on either side is thrown where `unpacked` is read.
  pipeline(Readable.from(raw, { objectMode: false }), unpacked, () => undefined)
  return unpacked as AsyncIterable<Buffer>
}

/** The body as it arrives. Only the time in which this process waits for the sender counts: the sender is not to blame for a slow reader. */
async function* rawBody(req: Request, received: { bytes: number }, timeMs: number | undefined): AsyncGenerator<Buffer> {
  const { bodyIdleMs } = boundsOf(req)
  const chunks = (req as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  const endsAt = timeMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeMs
  let window = { waitedMs: 0, bytes: 0 }
  for (;;) {
    const began = performance.now()
    const next = await within(chunks.next(), Math.min(bodyIdleMs, endsAt - began))
    if (next.done === true) return
    received.bytes += next.value.length
    window = { waitedMs: window.waitedMs + performance.now() - began, bytes: window.bytes + next.value.length }
    if (window.waitedMs > bodyIdleMs) {
      if (window.bytes < limits.leastBytes) throw tooSlow()
      window = { waitedMs: 0, bytes: 0 }
    }
    yield next.value
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(tooSlow()), Math.max(0, ms))
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
    // Nobody waits for it any more, and it fails when the connection is cut.
    promise.catch(() => undefined)
  }
}

function tooSlow(): SluiceError {
  return invalidRequest('request_timeout', 'The body did not arrive in time: send it again, without long pauses.')
}

export function senderLeft(): SluiceError {
  return invalidRequest('incomplete_body', 'The sender left before its body was read.')
}

function tooCompressed(): SluiceError {
  return invalidRequest(
    'too_large',
    `The body unpacks to more than ${limits.ratio} times its size: send it without content-encoding, or in several requests.`,
    'content-encoding',
  )
}

function explain(error: unknown): unknown {
  if (error instanceof SluiceError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  if (
    code.startsWith('Z_') ||
    code === 'ERR_PADDING_2' ||
    code.startsWith('ERR_BROTLI') ||
    code.startsWith('ERR__ERROR')
  )
    return invalidRequest('invalid_request', `The body cannot be unpacked: ${message}`, 'content-encoding')
  if (code === 'ECONNRESET' || code === 'ABORT_ERR' || code === 'ERR_STREAM_PREMATURE_CLOSE' || message === 'aborted')
    return senderLeft()
  return error
}
