import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Request, Response } from 'express'
import { boundsOf } from '../gate/bounds.ts'
import { bytesOnTheWay } from './reader-progress.ts'

const heartbeatMs = 15_000
/** Characters that are written at once. */
const pieceLength = 65_536
/** In the time that a reader may take nothing. */
const looks = 7

/** Aborts when the client leaves or the server stops. */
export function leaving(res: Response, stopping: AbortSignal): AbortSignal {
  return AbortSignal.any([boundsOf(res.req as Request).gone, stopping])
}

/** Writes as fast as the client reads. Ends when `signal` aborts or the client takes nothing for too long. If the source fails, the connection is cut. */
async function writeAll(res: Response, chunks: AsyncIterable<string | Buffer>, signal: AbortSignal): Promise<void> {
  try {
    for await (const chunk of chunks) {
      for (const piece of pieces(chunk)) {
        if (signal.aborted) return
        if (!res.write(piece)) await drained(res, signal)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** A large text in parts, because what waits for a slow client is held a second time, as bytes. */
export function* pieces(chunk: string | Buffer): Generator<string | Buffer> {
  if (typeof chunk !== 'string' || chunk.length <= pieceLength) {
    yield chunk
    return
  }
  for (let from = 0; from < chunk.length;) {
    let to = from + pieceLength
    // A character of two units stays whole: half of one would be written as another.
    if (isFirstHalf(chunk.charCodeAt(to - 1))) to += 1
    yield chunk.slice(from, to)
    from = to
  }
}

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

async function drained(res: Response, signal: AbortSignal): Promise<void> {
  const ended = new AbortController()
  const drain = once(res, 'drain', { signal }).finally(() => ended.abort())
  cutWhenStalled(res, ended.signal).catch(() => undefined)
  await drain
}

/**
 * Looks at the reader a few times: one that has taken something since may go on. Most readers are done before the first look. A receiver
 * announces room in steps of up to 400 KB, so a reader of less than 4 KB/s may still be taken for stalled in 120 s.
 */
async function cutWhenStalled(res: Response, signal: AbortSignal): Promise<void> {
  const { socket } = res.req
  const pauseMs = boundsOf(res.req as Request).readerStallMs / (looks + 1)
  await sleep(pauseMs, undefined, { signal })
  for (let last = await bytesOnTheWay(socket), same = 0; same < looks;) {
    await sleep(pauseMs, undefined, { signal })
    const now = await bytesOnTheWay(socket)
    same = now === last ? same + 1 : 0
    last = now
  }
  if (!signal.aborted) res.destroy()
}

export async function streamLines(
  res: Response,
  lines: AsyncIterable<string>,
  { signal, type }: { readonly signal: AbortSignal; readonly type: string },
): Promise<void> {
  res.status(200).set('content-type', type)
  if (endsWithHeaders(res)) return
  await writeAll(res, lines, signal)
  // Cut off, so that a part does not look like the whole.
  if (signal.aborted) res.destroy()
  else res.end()
}

/** Bytes whose number the headers say. An error before the first of them can still be answered. */
export async function streamBytes(res: Response, chunks: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  if (res.req.method !== 'HEAD') await writeAll(res, chunks, signal)
  if (signal.aborted) res.destroy()
  else res.end()
}

/** Server-sent events; comments in between keep proxies from closing a quiet stream. Ends with the event `end`. */
export async function streamEvents(res: Response, events: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  res.status(200).set('content-type', 'text/event-stream').set('x-accel-buffering', 'no')
  if (endsWithHeaders(res)) return
  const heartbeat = setInterval(() => {
    // For a client that does not read, they would only accumulate here.
    if (!res.writableNeedDrain) res.write(': still here\n\n')
  }, heartbeatMs)
  try {
    await writeAll(res, events, signal)
  } finally {
    clearInterval(heartbeat)
  }
  res.end(signal.aborted ? undefined : 'event: end\ndata: {}\n\n')
}

/** True for HEAD: the answer has no body, so nothing is waited for. */
function endsWithHeaders(res: Response): boolean {
  res.flushHeaders()
  if (res.req.method !== 'HEAD') return false
  res.end()
  return true
}

export function formatEvent(event: { name?: string; id?: string; data: unknown }): string {
  const name = event.name === undefined ? '' : `event: ${event.name}\n`
  const id = event.id === undefined ? '' : `id: ${event.id}\n`
  return `${name}${id}data: ${JSON.stringify(event.data)}\n\n`
}
