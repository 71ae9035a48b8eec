import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { isOutage } from '@sluice/engine/redis/refusal'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { broken, extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

/** A Redis that only this file uses: its tests make it refuse writes, and lose its data. */
let own: Awaited<ReturnType<typeof startOwnRedis>>
let admin: Redis
beforeAll(async () => {
  own = await startOwnRedis()
  admin = new Redis(own.url)
})
afterEach(async () => {
  await admin.config('SET', 'min-replicas-to-write', '0')
  await admin.config('SET', 'maxmemory', '0')
})
afterAll(async () => {
  admin.disconnect()
  await own[Symbol.asyncDispose]()
})

const refusals = {
  NOREPLICAS: ['min-replicas-to-write', '1'],
  OOM: ['maxmemory', '1'],
} as const
const codes = Object.keys(refusals) as (keyof typeof refusals)[]
const refuse = (code: keyof typeof refusals) => admin.config('SET', ...refusals[code])
const accept = (code: keyof typeof refusals) => admin.config('SET', refusals[code][0], '0')

describe.each(codes)('while Redis refuses writes with %s', (code) => {
  test('calls that fail are counted once, and their items are tried again once it takes them', async () => {
    const sluice = testSluice({ concurrency: 'fixed', retry: { baseMs: 20 } }, own.url)
    const engine = await sluice.engine()
    const gate = Promise.withResolvers<void>()
    const asked = new Map<string, number>()
    await sluice.worker(async ({ text }) => {
      asked.set(text, (asked.get(text) ?? 0) + 1)
      if (asked.get(text)! > 1) return extracted({})
      await gate.promise
      // Paid, and of no use.
      return { ...call(broken()), usage: { input_tokens: 7, output_tokens: 0 } }
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(5))
    await expect.poll(() => asked.size).toBe(5)
    await refuse(code)
    gate.resolve()
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    expect([...asked.values()]).toEqual([1, 1, 1, 1, 1])
    await accept(code)
    const results = await readAll(engine, batch.id)
    expect(results.map(({ status, attempts }) => [status, attempts])).toEqual(
      Array.from({ length: 5 }, () => ['succeeded', 2]),
    )
    expect((await engine.batches.get(batch.id)).usage).toMatchObject({ input_tokens: 5 * 17, repeated_calls: 0 })
  })

  test('every request that writes is refused as an outage, and done in full when it is repeated', async () => {
    const sluice = testSluice({}, own.url)
    const engine = await sluice.engine()
    const claim = { key: `key-${code}`, fingerprint: 'same' }
    const input = { extractor: inline, options, idempotency: claim }
    const { batch: upload } = await engine.uploads.open({ extractor: inline, options })
    await engine.uploads.append(upload.id, 0, texts(10))
    const { batch: running } = await engine.batches.create({ extractor: inline, options }, texts(3))
    const { batch: failed } = await engine.batches.create({ extractor: inline, options }, texts(3))
    const worker = await sluice.worker(() => ({ type: 'refused', message: 'no' }))
    await readAll(engine, failed.id)
    await readAll(engine, running.id)
    await worker.close(0)
    const { batch: waiting } = await engine.batches.create({ extractor: inline, options }, texts(3))

    const requests = {
      create: () => engine.batches.create(input, texts(3)),
      open: () => engine.uploads.open({ ...input, idempotency: { ...claim, key: `open-${code}` } }),
      append: () => engine.uploads.append(upload.id, 10, texts(5)),
      seal: () => engine.uploads.seal(upload.id),
      retry: () => engine.batches.retry(failed.id, {}),
      patch: () => engine.batches.patch(waiting.id, { priority: 3 }),
      extractor: () =>
        engine.extractors.put({ name: 'e', schema: {}, instructions: '', lane: 'default', parameters: {}, reasks: 2 }),
    }
    await refuse(code)
    const outcomes: Record<string, string> = {}
    for (const [name, request] of Object.entries(requests)) {
      outcomes[name] = await request().then(
        () => 'done',
        (error: Error & { code?: string }) =>
          isOutage(error) || error.code === 'redis_full' ? 'refused' : String(error),
      )
    }
    // What only reads is answered.
    expect(await engine.lanesNow()).toHaveLength(1)
    expect((await engine.batches.get(failed.id)).counts.failed).toBe(3)
    expect((await engine.batches.list({ limit: 10 })).data).toHaveLength(4)
    expect(await readAll(engine, failed.id)).toHaveLength(3)
    await accept(code)
    expect(Object.entries(outcomes).filter(([, outcome]) => outcome !== 'refused')).toEqual([])
    // Nothing of them is left half done.
    expect((await engine.batches.get(failed.id)).counts).toMatchObject({ total: 3, failed: 3 })
    expect((await engine.batches.get(upload.id)).counts.total).toBe(10)
    expect((await requests.create()).created).toBe(true)
    expect((await requests.open()).created).toBe(true)
    expect((await requests.append()).counts.total).toBe(15)
    expect((await requests.seal()).status).toBe('in_progress')
    expect(await requests.retry()).toBe(3)
    expect((await requests.patch()).priority).toBe(3)
    expect((await requests.extractor()).created).toBe(true)
    await sluice.worker(() => extracted({}))
    for (const id of [upload.id, failed.id, waiting.id]) {
      expect((await readAll(engine, id)).every(({ status }) => status === 'succeeded')).toBe(true)
    }
  })
})

test('a full Redis lets ended batches be cancelled and deleted, which is what frees it', async () => {
  const sluice = testSluice({}, own.url)
  const engine = await sluice.engine()
  const { batch: small } = await engine.batches.create({ extractor: inline, options }, texts(3))
  const { batch: large } = await engine.batches.create({ extractor: inline, options }, texts(70_000))
  await refuse('OOM')
  for (const { id } of [small, large]) {
    expect((await engine.batches.cancel(id)).status).toBe('cancelled')
    await engine.batches.delete(id)
    await expect(engine.batches.get(id)).rejects.toThrow('There is no batch')
  }
  expect((await engine.batches.list({ limit: 10 })).data).toEqual([])
  expect(await admin.keys(`${sluice.prefix}:{batch_*`)).toEqual([])
})

test('API and worker go on with new batches when Redis has lost all its data', async () => {
  const sluice = testSluice({}, own.url)
  const engine = await sluice.engine()
  const gate = Promise.withResolvers<void>()
  let calls = 0
  await sluice.worker(async () => {
    calls += 1
    await gate.promise
    return extracted({})
  })
  const { batch: lost } = await engine.batches.create({ extractor: inline, options }, texts(20))
  await expect.poll(() => calls).toBeGreaterThan(0)
  await admin.flushall()
  await admin.script('FLUSH')
  gate.resolve()
  await expect(engine.batches.get(lost.id)).rejects.toThrow('There is no batch')
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(50))
  expect(await readAll(engine, batch.id)).toHaveLength(50)
  expect((await engine.batches.get(batch.id)).status).toBe('completed')
  // Nothing of the lost one comes back with its late answers.
  expect(await admin.keys(`*${lost.id}*:{results,done,meta}`)).toEqual([])
  expect(await admin.exists(...Object.values(sluice.keys.batch(lost.id)))).toBe(0)
})

function call(outcome: ReturnType<typeof broken>) {
  return { outcome, cachedInputTokens: 0, raw: null, limits: null, latencyMs: 1 }
}
