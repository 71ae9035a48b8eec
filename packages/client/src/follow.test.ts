import { expect, test, vi } from 'vitest'
import { ConnectionError, NotFoundError } from './errors.ts'
import { followEvents } from './follow.ts'
import { createHttp } from './http.ts'
import { type Asked, ended, eventStream, refused, scriptedFetch } from './scripted-fetch.ts'

const path = (after: string | undefined): string => `/stream?after=${after ?? ''}`

function following(
  answer: (asked: Asked, count: number) => Response,
  options: { patienceMs?: number; signal?: AbortSignal } = {},
) {
  const { fetch, asked } = scriptedFetch(answer)
  const { signal, patienceMs } = options
  const http = createHttp({ baseUrl: 'http://sluice.test', fetch, ...(patienceMs === undefined ? {} : { patienceMs }) })
  return { events: followEvents(http, { path, signal }), asked }
}

async function dataOf(events: AsyncIterable<{ data: string }>): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const { data } of events) all.push(JSON.parse(data))
  return all
}

test('a stream that breaks, or is closed before its end, continues after the last event', async () => {
  const { events, asked } = following((_, count) => {
    if (count === 1)
      return eventStream(
        [
          { id: 'c0', data: 0 },
          { id: 'c1', data: 1 },
        ],
        new TypeError('terminated'),
      )
    if (count === 2) throw new TypeError('fetch failed')
    if (count === 3) return eventStream([{ id: 'c2', data: 2 }])
    return eventStream([{ id: 'c3', data: 3 }, ended])
  })
  expect(await dataOf(events)).toEqual([0, 1, 2, 3])
  expect(asked.map(({ query }) => query.get('after'))).toEqual(['', 'c1', 'c1', 'c2'])
})

test('a rejected request ends the stream, an overloaded server does not', async () => {
  const { events, asked } = following((_, count) =>
    count === 1 ? refused(503, 'overloaded_error', 'not_ready') : refused(404, 'not_found_error', 'batch_not_found'),
  )
  await expect(dataOf(events)).rejects.toBeInstanceOf(NotFoundError)
  expect(asked).toHaveLength(2)
})

test('a server that stays away is given up when the patience is over', async () => {
  const { events, asked } = following(
    (_, count) => {
      if (count === 1) return eventStream([{ id: 'c0', data: 0 }])
      throw new TypeError('fetch failed')
    },
    { patienceMs: 400 },
  )
  await expect(dataOf(events)).rejects.toBeInstanceOf(ConnectionError)
  expect(asked.length).toBeGreaterThan(3)
})

test('a connection without data counts as broken', async () => {
  vi.useFakeTimers()
  try {
    const { events, asked } = following((_, count) =>
      count === 1 ? new Response(new ReadableStream()) : eventStream([{ id: 'c0', data: 0 }, ended]),
    )
    const all = dataOf(events)
    await vi.advanceTimersByTimeAsync(44_000)
    expect(asked).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await all).toEqual([0])
  } finally {
    vi.useRealTimers()
  }
})

test('an abort ends the stream with its reason, and so does leaving the loop', async () => {
  const stop = new AbortController()
  const { events } = following(() => eventStream([{ id: 'c0', data: 0 }], new TypeError('terminated')), {
    signal: stop.signal,
  })
  await events.next()
  stop.abort(new Error('enough'))
  await expect(events.next()).rejects.toThrow('enough')

  let left = false
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('id: c0\ndata: 0\n\n')),
    cancel: () => void (left = true),
  })
  for await (const { data } of following(() => new Response(body)).events) {
    expect(data).toBe('0')
    break
  }
  expect(left).toBe(true)
})
