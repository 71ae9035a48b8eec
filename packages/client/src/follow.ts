import type { EventSourceMessage } from 'eventsource-parser'
import { backOffMs, sleep } from './back-off.ts'
import { ApiError, ConnectionError, isPassing } from './errors.ts'
import { readEvents } from './events.ts'
import type { Http } from './http.ts'

/** A connection that lasted this long was good: its break restarts the patience. */
const heldMs = 5_000

/**
 * The events of a stream until the server ends it, over as many connections as needed: each continues after the id of the last event.
 * Throws if the server rejects the request or was away for `patienceMs`; rejects with the signal's reason when it aborts.
 */
export async function* followEvents(
  http: Http,
  {
    path,
    after,
    signal,
  }: { path: (after: string | undefined) => string; after?: string | undefined; signal?: AbortSignal | undefined },
): AsyncGenerator<EventSourceMessage> {
  let cursor = after
  let attempt = 0
  let brokenAtMs: number | undefined
  const inContact = (): void => {
    attempt = 0
    brokenAtMs = undefined
  }
  for (;;) {
    const openedMs = performance.now()
    let why: unknown
    try {
      const init = { headers: { accept: 'text/event-stream' }, signal: signal ?? null }
      for await (const event of readEvents(await http.fetch(path(cursor), init), inContact)) {
        if (event.event === 'end') return
        if (event.id !== undefined) cursor = event.id
        yield event
      }
      // Closed without its end: the server is stopping, or a proxy closed it.
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof ApiError && !isPassing(error)) throw error
      why = error
    }
    const nowMs = performance.now()
    if (nowMs - openedMs > heldMs) inContact()
    brokenAtMs ??= nowMs
    if (nowMs - brokenAtMs > http.patienceMs) {
      const limit = `${Math.round(http.patienceMs / 1_000)} s`
      throw new ConnectionError(`A stream broke and did not come back within ${limit}: ${messageOf(why)}`, {
        cause: why,
      })
    }
    await sleep(backOffMs(attempt), signal)
    attempt += 1
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'the server closed it'
}
