import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createLedger } from '@sluice/engine/ledger/ledger'
import { broken, extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

// Each call of the harness: 10 tokens in, 5 out; so 10 * 1 + 5 * 4 = 30 micro-dollars.
const prices = { input: 1, output: 4 }
const oneCall = 30e-6
const limited = { ...inline, parameters: { max_tokens: 5 } }

test('the cost of items and batches follows from the prices of the lane', async () => {
  const sluice = testSluice({ prices })
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}))
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(20))
  const results = await readAll(engine, batch.id)
  for (const { cost_usd } of results) expect(cost_usd).toBeCloseTo(oneCall, 9)
  expect((await engine.batches.get(batch.id)).cost_usd).toBeCloseTo(20 * oneCall, 9)
})

test('a batch pauses before its cost exceeds the cap, calls in flight included, and continues when the cap is raised', async () => {
  const sluice = testSluice({ prices })
  const engine = await sluice.engine()
  const { promise: all, resolve: release } = Promise.withResolvers<void>()
  let inFlight = 0
  await sluice.worker(async (_, { signal }) => {
    inFlight += 1
    await Promise.race([all, once(signal, 'abort')])
    return extracted({})
  })
  const cap = 7.5 * oneCall
  const { batch } = await engine.batches.create(
    { extractor: limited, options: { ...options, max_cost_usd: cap } },
    texts(30),
  )
  // Ten could run at once. The eighth might exceed the cap, although nothing has been paid yet.
  await expect.poll(async () => (await engine.batches.get(batch.id)).status, { timeout: 5_000 }).toBe('paused')
  await expect.poll(() => inFlight, { timeout: 5_000 }).toBe(7)
  release()
  await expect.poll(async () => (await engine.batches.get(batch.id)).counts.succeeded, { timeout: 10_000 }).toBe(7)
  const paused = await engine.batches.get(batch.id)
  expect(paused).toMatchObject({
    status: 'paused',
    pause_reason: expect.stringContaining('max_cost_usd') as string,
    max_cost_usd: cap,
  })
  expect(paused.cost_usd).toBeCloseTo(7 * oneCall, 9)

  await engine.batches.patch(batch.id, { max_cost_usd: 1 })
  await engine.batches.resume(batch.id)
  expect(await readAll(engine, batch.id)).toHaveLength(30)
  const ended = await engine.batches.get(batch.id)
  expect(ended.cost_usd).toBeCloseTo(30 * oneCall, 9)
  expect(ended.usage.repeated_calls).toBe(0)
})

test('a call that may have been paid counts towards the cap', async () => {
  const sluice = testSluice({ prices })
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create(
    { extractor: limited, options: { ...options, max_cost_usd: 1.5 * oneCall } },
    texts(1),
  )
  const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
  const [fed] = (await ledger.feed(batch.id, { places: 10, most: 10 })).items
  const run = (token: string) => ({ batchId: batch.id, index: fed!.index, feed: fed!.feed, token })
  const expected = { inputNanoUsd: 10_000, outputTokenNanoUsd: 4_000, mostOutputTokens: 5 }
  await ledger.take(run('killed'), { keepsTime: false })
  expect(await ledger.openCall(run('killed'), expected)).toBe('opened')
  await ledger.take(run('next'), { keepsTime: false })
  expect(await ledger.openCall(run('next'), expected)).toBe('over-cost')
})

test.each([
  ['cut', {}, () => broken(false)],
  [
    'cut off by the deadline of its item',
    // Long enough for a call to begin on a busy machine.
    { deadlines: { item_s: 2 } },
    (signal: AbortSignal) => sleep(10_000, broken(false), { signal }),
  ],
])(
  'the last call of an item counts towards the cap when it was %s, as it may have been paid',
  async (_, more, answer) => {
    const sluice = testSluice({ prices, retry: { unavailable: 1 } })
    const engine = await sluice.engine()
    let calls = 0
    await sluice.worker((__, { signal }) => {
      calls += 1
      return answer(signal)
    })
    const { batch } = await engine.batches.create(
      { extractor: limited, options: { ...options, ...more, max_cost_usd: 4.5 * oneCall } },
      texts(30),
    )
    await expect.poll(async () => (await engine.batches.get(batch.id)).status, { timeout: 10_000 }).toBe('paused')
    // No call is in flight when the batch continues.
    await expect.poll(async () => (await engine.batches.get(batch.id)).counts.running, { timeout: 10_000 }).toBe(0)
    await engine.batches.resume(batch.id)
    await expect.poll(async () => (await engine.batches.get(batch.id)).status, { timeout: 10_000 }).toBe('paused')
    expect(calls).toBe(4)
  },
)

test('a cap is rejected on a lane without prices', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  await expect(
    engine.batches.create({ extractor: inline, options: { ...options, max_cost_usd: 1 } }, texts(1)),
  ).rejects.toMatchObject({ code: 'unknown_prices', param: 'max_cost_usd' })
  expect((await engine.batches.list({ limit: 10 })).data).toEqual([])
})
