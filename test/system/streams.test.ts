import type { Result } from '@sluice/contract/result'
import { expect, test } from 'vitest'
import { people, person, startSystem } from '../support/system.ts'

/** Reads server-sent events until `most` came or the stream ended. */
async function readEvents(url: string, headers: Record<string, string>, most = Number.POSITIVE_INFINITY) {
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers } })
  const events: { event: string; id: string; data: any }[] = []
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .filter((line) => !line.startsWith(':'))
          .map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]),
      )
      text = text.slice(end + 2)
      if (fields.has('data'))
        events.push({
          event: fields.get('event') ?? 'message',
          id: fields.get('id') ?? '',
          data: JSON.parse(fields.get('data')!),
        })
      // Leaving the loop cuts the connection.
      if (events.length >= most) return events
    }
  }
  return events
}

test('a client resumes its stream where it broke off, in both orders, and misses and repeats nothing', async () => {
  const system = await startSystem()
  await system.worker()
  const { id } = await system.submit(people(300))
  for (const order of ['input', 'completion']) {
    const url = `${system.url}/v1/batches/${id}/results?follow=true&order=${order}`
    const first = await readEvents(url, {}, 40)
    const rest = await readEvents(url, { 'last-event-id': first.at(-1)!.id })
    const indexes = [...first, ...rest].filter(({ event }) => event !== 'end').map(({ data }) => (data as Result).index)
    expect(indexes).toHaveLength(300)
    expect(new Set(indexes).size).toBe(300)
    if (order === 'input') expect(indexes).toEqual(Array.from({ length: 300 }, (_, i) => i))
    expect(rest.at(-1)?.event).toBe('end')
  }
})

test('a stream that the API has to cut does not end like a whole one', async () => {
  const system = await startSystem()
  const { id } = await system.submit(people(5))
  const response = await fetch(`${system.url}/v1/batches/${id}/results?follow=true`)
  const whole = response.text().then(
    () => 'whole',
    () => 'cut',
  )
  expect(await system.api.stop()).toBe(0)
  expect(await whole).toBe('cut')
})

test('progress is reported until the end', async () => {
  const system = await startSystem()
  await system.worker({ SLUICE_CONCURRENCY: '10' })
  const { id } = await system.submit(people(200))
  const events = await readEvents(`${system.url}/v1/batches/${id}/events`, {})
  const done = events.filter(({ event }) => event === 'progress').map(({ data }) => data.counts.succeeded as number)
  expect(done.length).toBeGreaterThan(2)
  expect(done).toEqual(done.toSorted((a, b) => a - b))
  expect(done.at(-1)).toBe(200)
  expect(events.at(-1)?.event).toBe('end')
})

test('a text is extracted while one waits, and with an extractor by name', async () => {
  const system = await startSystem()
  await system.worker()
  const stored = await system.request('POST', '/v1/extractors', { name: 'person', ...person })
  expect(stored).toMatchObject({ status: 201, body: { wire: { strict: true, wrapped: false } } })
  const record = { type: 'object', properties: { all: { type: 'object', additionalProperties: { type: 'string' } } } }
  await system.request('POST', '/v1/extractors', { name: 'record', schema: record })
  expect((await system.request('GET', '/v1/extractors/record')).body).toMatchObject({
    wire: { strict: false, pointer: '/properties/all', reason: 'allows properties that it does not name' },
  })
  const { status, body } = await system.request('POST', '/v1/extract', {
    extractor: 'person',
    text: 'My name is John and I am 20 years old',
  })
  expect(status).toBe(200)
  expect(body).toMatchObject({ status: 'succeeded', data: { name: 'John', age: 20 } })
})

test('nothing is stored for a refused request', async () => {
  const system = await startSystem()
  const { status, body } = await system.request('POST', '/v1/batches', {
    extractor: person,
    items: ['fine', { text: '' }],
  })
  expect(status).toBe(400)
  expect(body.error).toMatchObject({ type: 'invalid_request_error', code: 'invalid_item', param: 'items[1].text' })
  expect((await system.request('GET', '/v1/batches')).body.data).toEqual([])
})
