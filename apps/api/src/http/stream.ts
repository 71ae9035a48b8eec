import { once } from 'node:events'
import type { Response } from 'express'

const heartbeatMs = 15_000

/** Aborts when the client disconnects or the server stops. */
export function leaving(res: Response, stopping: AbortSignal): AbortSignal {
  const abort = new AbortController()
  res.once('close', () => abort.abort())
  return AbortSignal.any([abort.signal, stopping])
}

/** Writes as fast as the client reads. Stops when `signal` aborts; a failing source cuts the connection. */
async function writeAll(res: Response, chunks: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (signal.aborted) break
      if (!res.write(chunk)) await once(res, 'drain', { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

export async function streamLines(res: Response, lines: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  res.status(200).set('content-type', 'application/x-ndjson').set('cache-control', 'no-store')
  res.flushHeaders()
  await writeAll(res, lines, signal)
  // Incomplete results must not look complete.
  if (signal.aborted) res.destroy()
  else res.end()
}

/** Server-sent events, with comments that keep proxies from closing a quiet stream. Ends with the event `end`. */
export async function streamEvents(res: Response, events: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  res
    .status(200)
    .set('content-type', 'text/event-stream')
    .set('cache-control', 'no-store')
    .set('x-accel-buffering', 'no')
  res.flushHeaders()
  const heartbeat = setInterval(() => res.write(': still here\n\n'), heartbeatMs)
  try {
    await writeAll(res, events, signal)
  } finally {
    clearInterval(heartbeat)
  }
  res.end(signal.aborted ? undefined : 'event: end\ndata: {}\n\n')
}

export function formatEvent(event: { name?: string; id?: string; data: unknown }): string {
  const name = event.name === undefined ? '' : `event: ${event.name}\n`
  const id = event.id === undefined ? '' : `id: ${event.id}\n`
  return `${name}${id}data: ${JSON.stringify(event.data)}\n\n`
}
