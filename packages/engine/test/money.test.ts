import { expect, test } from 'vitest'
import { createLedger } from '../src/ledger/ledger.ts'
import { extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

// Each call of the harness: 10 tokens in, 5 out; so 10 * 1 + 5 * 4 = 30 micro-dollars.
const prices = { input: 1, output: 4 }
const oneCall = 30e-6
const limited = { ...inline, parameters: { max_tokens: 5 } }

test('the cost of items and batches is told by the prices of the lane', async () => {
  const sluice = testSluice({ prices })
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}))
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(20))
  const results = await readAll(engine, batch.id)
  for (const { cost_usd } of results) expect(cost_usd).toBeCloseTo(oneCall, 9)
  expect((await engine.batches.get(batch.id)).cost_usd).toBeCloseTo(20 * oneCall, 9)
})

test('a batch pauses before its cap is passed, calls in flight counted, and goes on when the cap is raised', async () => {
  const sluice = testSluice({ prices })
  const engine = await sluice.engine()
  const { promise: all, resolve: release } = Promise.withResolvers<void>()
  let inFlight = 0
  await sluice.worker(async () => {
    inFlight += 1
    await all
    return extracted({})
  })
  const cap = 7.5 * oneCall
  const { batch } = await engine.batches.create(
    { extractor: limited, options: { ...options, max_cost_usd: cap } },
    texts(30),
  )
  // Ten could run at once; the eighth might pass the cap though nothing has been paid yet.
  await expect.poll(async () => (await engine.batches.get(batch.id)).status, { timeout: 5_000 }).toBe('paused')
  await expect.poll(() => inFlight, { timeout: 5_000 }).toBe(7)
  release()
  await expect.poll(async () => (await engine.batches.get(batch.id)).counts.succeeded).toBe(7)
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
  const ledger = createLedger(sluice.redis, sluice.keys)
  const [fed] = (await ledger.feed(batch.id, 10, 10)).items
  const run = (token: string) => ({ batchId: batch.id, index: fed!.index, feed: fed!.feed, token })
  const expected = { inputNanoUsd: 10_000, outputTokenNanoUsd: 4_000, mostOutputTokens: 5 }
  await ledger.take(run('killed'), { keepsTime: false })
  expect(await ledger.openCall(run('killed'), expected)).toBe('opened')
  await ledger.take(run('next'), { keepsTime: false })
  expect(await ledger.openCall(run('next'), expected)).toBe('over-cost')
})

test('a cap is refused on a lane without prices', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  await expect(
    engine.batches.create({ extractor: inline, options: { ...options, max_cost_usd: 1 } }, texts(1)),
  ).rejects.toMatchObject({ code: 'unknown_prices', param: 'max_cost_usd' })
  expect((await engine.batches.list({ limit: 10 })).data).toEqual([])
})
