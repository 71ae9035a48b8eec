import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  AuthenticationError,
  BatchPausedError,
  type ClientOptions,
  ConflictError,
  ConnectionError,
  createClient,
  InvalidRequestError,
  ItemError,
  NotFoundError,
  type Sluice,
  SummaryError,
} from '@sluice/client'
import { expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { longText } from '../../bench/long-text.ts'
import { startTcpProxy, type TcpProxy } from '../chaos/tcp-proxy.ts'
import { people, startSystem, type System, type SystemOptions } from '../support/system.ts'

const Person = z.object({ name: z.string(), age: z.int() })
const instructions = 'Extract the person.'
const extractor = { schema: Person, instructions }
const ageOf = (index: number) => 20 + (index % 60)

async function withWorker(options: SystemOptions = {}, worker: Record<string, string> = {}) {
  const system = await startSystem(options)
  await system.worker(worker)
  return { system, sluice: createClient({ baseUrl: system.url }) }
}

/** The client on a line that can be cut. */
async function onALine(system: System, more: Partial<ClientOptions> = {}): Promise<{ sluice: Sluice; line: TcpProxy }> {
  const { hostname, port } = new URL(system.url)
  const line = await startTcpProxy({ host: hostname, port: Number(port) })
  onTestFinished(() => line[Symbol.asyncDispose]())
  return { sluice: createClient({ baseUrl: `http://127.0.0.1:${line.port}`, ...more }), line }
}

test('gather, asCompleted, sequential and extract give typed values', async () => {
  const { system, sluice } = await withWorker()
  const texts = people(30)
  const gathered = await sluice.gather(texts, extractor)
  expectTypeOf(gathered).toEqualTypeOf<{ name: string; age: number }[]>()
  expect(gathered.map(({ age }) => age)).toEqual(texts.map((_, index) => ageOf(index)))

  const completed = new Map<number, number>()
  for await (const { index, value } of sluice.asCompleted(texts, { ...extractor, concurrency: 5 })) {
    expectTypeOf(value).toEqualTypeOf<{ name: string; age: number }>()
    completed.set(index, value.age)
  }
  expect([...completed].toSorted(([a], [b]) => a - b)).toEqual(texts.map((_, index) => [index, ageOf(index)]))

  await fetch(`${system.simulatorUrl}/_simulator/reset`, { method: 'POST', body: '{}' })
  const ages: number[] = []
  for await (const person of sluice.sequential(texts.slice(0, 5), extractor)) ages.push(person.age)
  expect(ages).toEqual([20, 21, 22, 23, 24])
  expect((await system.simulator.stats()).most_in_flight).toBe(1)

  const one = await sluice.extract('My name is John and I am 20 years old', {
    schema: {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer' } },
      required: ['name', 'age'],
      additionalProperties: false,
    },
  })
  expectTypeOf(one).toEqualTypeOf<{ name: string; age: number }>()
  expect(one).toEqual({ name: 'John', age: 20 })
})

test('failures are values where the caller asks for them; otherwise the first one rejects and the batch continues', async () => {
  const { system, sluice } = await withWorker()
  await system.simulator.set('faults', { script: [{ match: 'Ticket 3.', fault: 'refusal', times: 2 }] })
  const texts = people(8).map((text, index) => ({ id: `row-${index}`, text, metadata: { index } }))
  const settled = await sluice.gather(texts, { ...extractor, returnExceptions: true })
  expect(settled.filter((one) => one instanceof ItemError)).toHaveLength(1)
  expect(settled[3]).toBeInstanceOf(ItemError)
  expect(settled[3]).toMatchObject({ type: 'refused', index: 3, id: 'row-3', metadata: { index: 3 } })
  expect(settled[4]).toEqual({ name: expect.any(String) as string, age: 24 })

  const error = await sluice.gather(texts, extractor).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ItemError)
  const batch = sluice.batch((error as ItemError).batchId, { schema: Person })
  expect(await batch.wait()).toMatchObject({ status: 'completed', counts: { succeeded: 7, failed: 1 } })

  expect(await batch.retry({ dry_run: true })).toMatchObject({ retried: 1 })
  expect(await batch.retry()).toMatchObject({ retried: 1 })
  expect((await batch.gather()).map(({ age }) => age)).toEqual([20, 21, 22, 23, 24, 25, 26, 27])
})

test('a stream that is cut again and again gives every result once', async () => {
  const { system } = await withWorker({ simulator: { SIMULATOR_LATENCY_MS: '100' } }, { SLUICE_CONCURRENCY: '20' })
  const { sluice, line } = await onALine(system)
  const texts = people(400)
  for (const order of ['completion', 'input'] as const) {
    const batch = await sluice.submit(texts, extractor)
    const indexes: number[] = []
    let cuts = 0
    for await (const one of batch.results({ order })) {
      expect(one).toMatchObject({ status: 'succeeded', data: { age: ageOf(one.index) } })
      indexes.push(one.index)
      if (indexes.length % 90 === 0) {
        line.cut()
        cuts += 1
      }
    }
    expect(cuts).toBe(4)
    expect(indexes.toSorted((a, b) => a - b)).toEqual(texts.map((_, index) => index))
    if (order === 'input') expect(indexes).toEqual(texts.map((_, index) => index))
  }
  // Of the same batch from where one stopped, in a client that knows nothing.
  const [{ id } = { id: '' }] = (await sluice.batches({ limit: 1 })).data
  const rest: number[] = []
  for await (const { index } of sluice.batch(id).results({ after: 'i389' })) rest.push(index)
  expect(rest).toEqual([390, 391, 392, 393, 394, 395, 396, 397, 398, 399])
})

test('many texts from a generator go up over a line that is cut, and none is lost or doubled', async () => {
  const { system } = await withWorker({ simulator: { SIMULATOR_LATENCY_MS: '1' } }, { SLUICE_CONCURRENCY: '200' })
  const { sluice, line } = await onALine(system)
  const count = 3_000
  async function* texts() {
    for (let index = 0; index < count; index += 1) {
      if (index === 1_500 || index === 2_900) setTimeout(() => line.cut(), 5)
      yield `My name is John and I am ${ageOf(index)} years old. Ticket ${index}. ${'Nothing more to say. '.repeat(55)}`
    }
  }
  const batch = await sluice.submit(texts(), { ...extractor, metadata: { from: 'a generator' } })
  await batch.pause()
  expect(await batch.status()).toMatchObject({ counts: { total: count }, metadata: { from: 'a generator' } })
  await batch.resume()
  let next = 0
  for await (const { index, status, ...one } of batch.results()) {
    expect({ index, status }).toEqual({ index: next, status: 'succeeded' })
    if ('data' in one && one.data.age !== ageOf(index)) throw new Error(`Item ${index} has the answer of another.`)
    next += 1
  }
  expect(next).toBe(count)
})

test('submitting again under the same key returns the same batch; an interrupted upload continues', async () => {
  const { sluice } = await withWorker()
  const first = await sluice.submit(people(3), { ...extractor, idempotencyKey: 'small' })
  expect((await sluice.submit(people(3), { ...extractor, idempotencyKey: 'small' })).id).toBe(first.id)
  const other = sluice.submit(people(4), { ...extractor, idempotencyKey: 'small' })
  await expect(other).rejects.toBeInstanceOf(ConflictError)

  const texts = Array.from({ length: 12_000 }, (_, index) => `${index} ${'Nothing to see here. '.repeat(12)}`)
  const options = { ...extractor, idempotencyKey: 'large' }
  function* breaksOff() {
    yield* texts.slice(0, 11_000)
    throw new Error('the disk of the caller failed')
  }
  await expect(sluice.submit(breaksOff(), options)).rejects.toThrow('the disk of the caller failed')
  const [upload] = (await sluice.batches({ status: 'uploading' })).data
  expect(upload?.counts.total).toBeGreaterThan(5_000)

  const whole = await sluice.submit(texts, options)
  expect(whole.id).toBe(upload?.id)
  expect((await whole.status()).counts.total).toBe(12_000)
  expect((await sluice.submit(texts, options)).id).toBe(whole.id)
  await whole.cancel()
})

test('an abort cancels the batch, or lets it run on', async () => {
  const { sluice } = await withWorker(
    { simulator: { SIMULATOR_LATENCY_MS: '400', SIMULATOR_LATENCY_SPREAD: '0' } },
    { SLUICE_CONCURRENCY: '4' },
  )
  for (const onAbort of ['cancel', 'detach'] as const) {
    const stop = new AbortController()
    let id = ''
    const gathering = sluice.gather(people(12), {
      ...extractor,
      signal: stop.signal,
      onAbort,
      onProgress(batch) {
        id = batch.id
        if (batch.counts.succeeded > 0) stop.abort(new Error('enough'))
      },
    })
    await expect(gathering).rejects.toThrow('enough')
    const batch = sluice.batch(id)
    if (onAbort === 'cancel') {
      const { status, counts } = await batch.wait()
      expect(status).toBe('cancelled')
      expect(counts.succeeded).toBeLessThan(12)
      const results = await batch.gather({ returnExceptions: true })
      expect(results.some((one) => one instanceof ItemError && one.type === 'cancelled')).toBe(true)
      await batch.delete()
      await expect(batch.status()).rejects.toBeInstanceOf(NotFoundError)
    } else expect(await batch.wait()).toMatchObject({ status: 'completed', counts: { succeeded: 12 } })
  }
})

test('a process dies with its gather, and another one has the results', async () => {
  const { system, sluice } = await withWorker(
    { simulator: { SIMULATOR_LATENCY_MS: '300', SIMULATOR_LATENCY_SPREAD: '0' } },
    { SLUICE_CONCURRENCY: '5' },
  )
  const program = `
    import { createClient } from '@sluice/client'
    import { z } from 'zod'
    const texts = ${JSON.stringify(people(30))}
    await createClient({ baseUrl: '${system.url}' }).gather(texts, {
      schema: z.object({ name: z.string(), age: z.int() }),
      onProgress: ({ id, counts }) => console.log(id, counts.succeeded),
    })`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  for await (const chunk of child.stdout) {
    printed += String(chunk)
    if (/ [1-9]\d*\n/.test(printed)) break
  }
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')

  const [id = ''] = printed.split(' ')
  const batch = sluice.batch(id, { schema: Person })
  expect((await batch.status()).status).toBe('in_progress')
  const values = await batch.gather()
  expectTypeOf(values).toEqualTypeOf<{ name: string; age: number }[]>()
  expect(values.map(({ age }) => age)).toEqual(people(30).map((_, index) => ageOf(index)))
})

test('a batch that cannot continue by itself rejects with the reason, and its results arrive once that is repaired', async () => {
  const { system, sluice } = await withWorker()
  await system.simulator.set('faults', { rates: { '401': 1 } })
  const error = await sluice.gather(people(5), extractor).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(BatchPausedError)
  const { batch } = error as BatchPausedError
  expect(batch.pause_reason).toContain('bad_credentials')
  await system.simulator.set('faults', { rates: {} })
  const handle = sluice.batch(batch.id, { schema: Person })
  await handle.resume()
  expect((await handle.gather()).map(({ age }) => age)).toEqual([20, 21, 22, 23, 24])
})

test('each refusal has its own error class, and an unreachable server is reported as unreachable', async () => {
  const key = 'a-key-of-forty-characters-for-this-test-1'
  const system = await startSystem({ env: { SLUICE_API_KEYS: key } })
  const wrong = createClient({ baseUrl: system.url, apiKey: 'another' })
  await expect(wrong.gather(['a'], extractor)).rejects.toBeInstanceOf(AuthenticationError)
  const sluice = createClient({ baseUrl: system.url, apiKey: key })
  await expect(sluice.submit(['a'], { extractor: 'nobody' })).rejects.toMatchObject({ code: 'extractor_not_found' })
  const lane = sluice.submit(['a'], { ...extractor, lane: 'nowhere' })
  await expect(lane).rejects.toBeInstanceOf(InvalidRequestError)
  await expect(lane).rejects.toMatchObject({ code: 'unknown_lane', param: 'extractor.lane', status: 400 })
  expect((await sluice.lanes()).data.map(({ name }) => name)).toEqual(['default'])
  const estimate = await sluice.estimate(people(3), extractor)
  expect(estimate).toMatchObject({ items: 3, cost_usd: null })
  const response = await sluice.request('/v1/extractors')
  expect(await response.json()).toMatchObject({ object: 'list' })

  await system.api.stop('SIGKILL')
  const away = createClient({ baseUrl: system.url, apiKey: key, retries: 1 }).gather(['a'], extractor)
  await expect(away).rejects.toBeInstanceOf(ConnectionError)
  await expect(away).rejects.toThrow('ECONNREFUSED')
})

test('a caller who leaves a loop early leaves the batch running', async () => {
  const { sluice } = await withWorker({ simulator: { SIMULATOR_LATENCY_MS: '100' } }, { SLUICE_CONCURRENCY: '2' })
  let id = ''
  const options = { ...extractor, onProgress: (batch: { id: string }) => void (id = batch.id) }
  for await (const { value } of sluice.asCompleted(people(10), options)) {
    expect(value.age).toBeGreaterThanOrEqual(20)
    break
  }
  await sleep(50)
  expect(await sluice.batch(id).wait()).toMatchObject({ status: 'completed', counts: { succeeded: 10 } })
})

test('a long text is summarized, found again under its key, and cancelled by its signal', async () => {
  const { system, sluice } = await withWorker({ simulator: { SIMULATOR_LATENCY_MS: '200' } })
  const percents: number[] = []
  const how = {
    chunks: 6,
    idempotencyKey: 'report',
    onProgress: ({ percent }: { percent: number }) => percents.push(percent),
  }
  const made = await sluice.summarize(longText(6), how)
  expect(made).toMatchObject({ status: 'completed', percent: 100, summary: expect.stringMatching(/\w/) })
  expect(made.chunks).toHaveLength(6)
  expect(percents.at(-1)).toBe(100)
  expect(await sluice.summarize(longText(6), how)).toMatchObject({ id: made.id, usage: made.usage })
  const file = new File([longText(2)], 'report.md')
  expect((await sluice.summarize(file, { chunks: 2 })).chunks).toHaveLength(2)

  await system.simulator.set('latency', { p50_ms: 60_000 })
  const abort = new AbortController()
  const aborted = sluice.summarize(longText(3), {
    chunks: 3,
    signal: abort.signal,
    onProgress: () => abort.abort(new Error('enough')),
  })
  await expect(aborted).rejects.toThrow('enough')
  await expect.poll(async () => (await system.simulator.stats()).in_flight).toBe(0)

  await system.simulator.set('latency', { p50_ms: 50 })
  await system.simulator.set('faults', { rates: { refusal: 1 } })
  const failed = sluice.summarize(longText(3), { chunks: 3 })
  await expect(failed).rejects.toThrow(SummaryError)
  await expect(failed).rejects.toMatchObject({ summary: { status: 'failed', error: { type: 'refused' } } })
  await expect(sluice.summarize(longText(3), { chunks: 3, chunk_tokens: 500 })).rejects.toThrow(InvalidRequestError)
})
