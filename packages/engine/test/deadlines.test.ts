import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { broken, extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

test('a call that takes too long is cut off and retried', async () => {
  const sluice = testSluice({ retry: { baseMs: 1, capMs: 1 } })
  const engine = await sluice.engine()
  let calls = 0
  let cut = 0
  await sluice.worker(async (_, { signal }) => {
    calls += 1
    if (calls > 1) return extracted({})
    await sleep(10_000, undefined, { signal }).finally(() => (cut += 1))
    return extracted({})
  })
  const { batch } = await engine.batches.create(
    { extractor: inline, options: { ...options, deadlines: { call_s: 0.3 } } },
    texts(1),
  )
  expect(await readAll(engine, batch.id)).toMatchObject([{ status: 'succeeded', attempts: 2 }])
  expect({ calls, cut }).toEqual({ calls: 2, cut: 1 })
})

test('an item that takes too long in all fails as timed out, over all its calls', async () => {
  const sluice = testSluice({ retry: { baseMs: 50, capMs: 50, unavailable: 1_000 } })
  const engine = await sluice.engine()
  await sluice.worker(() => broken())
  const { batch } = await engine.batches.create(
    { extractor: inline, options: { ...options, deadlines: { item_s: 2 } } },
    texts(1),
  )
  const [result] = await readAll(engine, batch.id)
  expect(result).toMatchObject({
    status: 'failed',
    error: { type: 'timed_out', message: expect.stringContaining('item_s of 2 s') as string },
  })
  expect(result!.attempts).toBeGreaterThan(1)
})

test.each([
  { item_s: 2_592_000 },
  { wait_s: 2_592_000 },
  { call_s: 2_592_000 },
  { call_s: 2.01, item_s: 2.01, wait_s: 2.01 },
])('a deadline may be 30 days, and a fraction of a second: %o', async (deadlines) => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  await sluice.worker((_, { signal }) => sleep(30, extracted({}), { signal }))
  const { batch } = await engine.batches.create({ extractor: inline, options: { ...options, deadlines } }, texts(2))
  expect(await readAll(engine, batch.id, {}, 5_000)).toMatchObject([{ status: 'succeeded' }, { status: 'succeeded' }])
})

test('an item that waits too long fails without a call, and a retry gives it its whole time again', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create(
    { extractor: inline, options: { ...options, deadlines: { wait_s: 3 } } },
    texts(20),
  )
  await sleep(3_200)
  let calls = 0
  await sluice.worker(() => {
    calls += 1
    return extracted({})
  })
  const results = await readAll(engine, batch.id)
  expect(results.every(({ error, attempts }) => error?.type === 'timed_out' && attempts === 0)).toBe(true)
  expect(calls).toBe(0)
  expect(await engine.batches.retry(batch.id, {})).toBe(20)
  expect((await readAll(engine, batch.id)).every(({ status }) => status === 'succeeded')).toBe(true)
})

test('an item whose call began in time and takes too long fails with the deadline that it missed', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  await sluice.worker(async (_, { signal }) => {
    await sleep(20_000, undefined, { signal })
    return extracted({})
  })
  const { batch } = await engine.batches.create(
    { extractor: inline, options: { ...options, deadlines: { wait_s: 3, item_s: 4 } } },
    texts(1),
  )
  const message = "It took longer than the batch's item_s of 4 s."
  expect(await readAll(engine, batch.id)).toMatchObject([{ status: 'failed', error: { type: 'timed_out', message } }])
})
