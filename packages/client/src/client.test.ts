import type { Batch } from '@sluice/contract/batch'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { createClient } from './client.ts'
import { BatchPausedError, ItemError, SluiceError } from './errors.ts'
import { type Asked, batchBody, ended, eventStream, scriptedFetch } from './scripted-fetch.ts'

const Person = z.object({ name: z.string() })
const ok = (index: number, name = `p${index}`) => ({
  id: `c${index}`,
  data: { index, id: String(index), status: 'succeeded', data: { name }, attempts: 1, cursor: `c${index}` },
})
const failed = (index: number) => ({
  id: `c${index}`,
  data: {
    index,
    id: String(index),
    status: 'failed',
    error: { type: 'refused', message: 'I cannot.' },
    raw: 'I cannot.',
    attempts: 1,
    cursor: `c${index}`,
  },
})

/** A server whose batch of three has these results, in the order of completion. */
function clientOf(
  results: Parameters<typeof eventStream>[0],
  { batch = {}, total = 3 }: { batch?: Partial<Batch>; total?: number } = {},
) {
  const { fetch, asked } = scriptedFetch(({ path, query }: Asked) => {
    if (path.endsWith('/events')) return eventStream([{ event: 'progress', data: batchBody(batch, total) }, ended])
    if (!path.endsWith('/results')) return Response.json(batchBody(batch, total))
    const inOrder = query.get('order') === 'input' ? [...results].sort((a, b) => indexOf(a) - indexOf(b)) : results
    return eventStream([...inOrder, ended])
  })
  return { sluice: createClient({ baseUrl: 'http://sluice.test', fetch }), asked }
}
const indexOf = ({ data }: { data: unknown }) => (data as { index: number }).index
const texts = ['a', 'b', 'c']

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

test('gather returns values in input order, typed by the schema', async () => {
  const { sluice } = clientOf([ok(2), ok(0), ok(1)])
  const people = await sluice.gather(texts, { schema: Person })
  expectTypeOf(people).toEqualTypeOf<{ name: string }[]>()
  expect(people.map(({ name }) => name)).toEqual(['p0', 'p1', 'p2'])
  expect(await sluice.gather([], { schema: Person })).toEqual([])
  const [first] = await sluice.gather(texts, {
    schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  })
  expectTypeOf(first).toEqualTypeOf<{ name: string } | undefined>()
})

test('gather rejects on the first failure, and names the item and the batch', async () => {
  const { sluice } = clientOf([ok(2), failed(0), ok(1)])
  const failing = sluice.gather(texts, { schema: Person })
  await expect(failing).rejects.toBeInstanceOf(ItemError)
  await expect(failing).rejects.toMatchObject({
    type: 'refused',
    index: 0,
    batchId: 'batch_1',
    raw: 'I cannot.',
    message: 'Item 0 of batch_1: refused: I cannot.',
  })
})

test('with returnExceptions failures are returned in place of values', async () => {
  const { sluice } = clientOf([ok(2), failed(0), ok(1)])
  const settled = await sluice.gather(texts, { schema: Person, returnExceptions: true })
  expectTypeOf(settled).toEqualTypeOf<({ name: string } | ItemError)[]>()
  expect(settled[0]).toBeInstanceOf(ItemError)
  expect(settled.slice(1)).toEqual([{ name: 'p1' }, { name: 'p2' }])
})

test('asCompleted yields values in order of completion, sequential in input order and one call at a time', async () => {
  const { sluice, asked } = clientOf([ok(2), ok(0), ok(1)])
  const completed = await collect(sluice.asCompleted(texts, { schema: Person, concurrency: 2 }))
  expectTypeOf(completed).toEqualTypeOf<
    { readonly index: number; readonly id: string; readonly value: { name: string } }[]
  >()
  expect(completed.map(({ index }) => index)).toEqual([2, 0, 1])
  expect(JSON.parse(asked[0]!.body)).toMatchObject({ concurrency: 2 })

  const people = await collect(sluice.sequential(texts, { schema: Person }))
  expect(people.map(({ name }) => name)).toEqual(['p0', 'p1', 'p2'])
  expect(JSON.parse(asked.findLast(({ method }) => method === 'POST')!.body)).toMatchObject({ concurrency: 1 })
})

test('a value that does not match the schema here is a failed item', async () => {
  const Short = z.object({ name: z.string().refine((name) => name.length < 3, 'is too long') })
  const { sluice } = clientOf([ok(0), ok(1, 'Bartholomew'), ok(2)])
  const settled = await sluice.gather(texts, { schema: Short, returnExceptions: true })
  expect(settled[1]).toMatchObject({
    type: 'invalid_output',
    message: expect.stringContaining('name: is too long') as string,
    raw: '{"name":"Bartholomew"}',
  })
})

test('a batch that is paused by a problem rejects, and one that a user paused does not', async () => {
  const stuck = clientOf([], { batch: { status: 'paused', pause_reason: 'bad_credentials: no such key' } })
  const failing = stuck.sluice.batch('batch_1').wait()
  await expect(failing).rejects.toBeInstanceOf(BatchPausedError)
  await expect(failing).rejects.toThrow('bad_credentials: no such key')

  const paused = clientOf([], { batch: { status: 'paused', pause_reason: 'user' } })
  expect(await paused.sluice.batch('batch_1').wait()).toMatchObject({ status: 'paused' })
})

test('progress is reported, the accepted batch first, and an error of the callback ends the call', async () => {
  const { sluice } = clientOf([ok(0), ok(1), ok(2)])
  const seen: string[] = []
  await sluice.gather(texts, { schema: Person, onProgress: ({ id, status }) => seen.push(`${id} ${status}`) })
  expect(seen).toEqual(['batch_1 in_progress', 'batch_1 in_progress'])
  const failing = sluice.gather(texts, {
    schema: Person,
    onProgress: () => {
      throw new Error('no more')
    },
  })
  await expect(failing).rejects.toThrow('no more')
})

test('a batch that is deleted before all its results arrived does not look complete', async () => {
  const { sluice } = clientOf([ok(0)])
  const failing = sluice.gather(texts, { schema: Person })
  await expect(failing).rejects.toBeInstanceOf(SluiceError)
  await expect(failing).rejects.toThrow('1 of 3 results')
})

test('an abort cancels the batch of a call, and only ends the waiting of a handle', async () => {
  for (const way of ['client', 'handle', 'detached'] as const) {
    const stop = new AbortController()
    const { fetch, asked } = scriptedFetch(({ path, signal }) => {
      if (!path.endsWith('/results')) return Response.json(batchBody())
      setTimeout(() => stop.abort(new Error('enough')), 5)
      return new Response(
        new ReadableStream({
          start: (controller) => signal?.addEventListener('abort', () => controller.error(signal.reason)),
        }),
      )
    })
    const sluice = createClient({ baseUrl: 'http://sluice.test', fetch })
    const { signal } = stop
    const waiting =
      way === 'handle'
        ? sluice.batch('batch_1').gather({ signal })
        : sluice.gather(texts, { schema: Person, signal, onAbort: way === 'detached' ? 'detach' : 'cancel' })
    await expect(waiting).rejects.toThrow('enough')
    expect(asked.some(({ path }) => path.endsWith('/cancel'))).toBe(way === 'client')
  }
})

test('a large input is estimated piece by piece and summed up', async () => {
  const { fetch, asked } = scriptedFetch(({ body }) => {
    const { items } = JSON.parse(body) as { items: string[] }
    const count = items.length
    return Response.json({
      object: 'estimate',
      items: count,
      input_tokens: count * 10,
      output_tokens: count,
      cost_usd: count / 100,
    })
  })
  const sluice = createClient({ baseUrl: 'http://sluice.test', fetch })
  const estimate = await sluice.estimate(
    Array.from({ length: 25_000 }, () => 'text'),
    { schema: Person },
  )
  expect(estimate).toMatchObject({ items: 25_000, input_tokens: 250_000, output_tokens: 25_000, cost_usd: 250 })
  expect(asked).toHaveLength(3)
})
