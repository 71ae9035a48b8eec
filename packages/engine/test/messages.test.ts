import { createLedger } from '@sluice/engine/ledger/ledger'
import { noCost } from '@sluice/engine/ledger/run'
import { createChanges } from '@sluice/engine/redis/changes'
import { expect, onTestFinished, test } from 'vitest'
import { extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

const result = { status: 'succeeded', data: {}, usage: { input_tokens: 1, output_tokens: 1 }, attempts: 1 }

test('a batch of 1,000 items sends a message for each 20 ms at most, not for each item', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const subscriber = sluice.redis.duplicate()
  onTestFinished(() => subscriber.disconnect())
  const messages: string[] = []
  subscriber.on('message', (_channel: string, message: string) => messages.push(message))
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1_000))
  await subscriber.subscribe(sluice.keys.batch(batch.id).changes)
  const beganAt = performance.now()
  await sluice.worker(() => extracted({}), { concurrency: 50 })
  expect(await readAll(engine, batch.id)).toHaveLength(1_000)
  const tookMs = performance.now() - beganAt
  await expect.poll(() => messages.at(-1)).toBe('completed')
  expect(messages.length).toBeGreaterThan(1)
  expect(messages.length).toBeLessThan(tookMs / 20 + 3)
})

test('a result that sent no message, because another one just had, reaches a reader at once', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const ledger = createLedger(sluice)
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(12))
  const { items } = await ledger.feed(batch.id, { places: 10, most: 10 })
  const runs = items.map(({ index, feed }) => ({ batchId: batch.id, index, feed, token: 'run' }))
  for (const run of runs) await ledger.take(run, { keepsTime: false })
  const reading = new AbortController()
  onTestFinished(() => reading.abort())
  const query = { order: 'completion', follow: true } as const
  const pages = (await engine.results.read(batch.id, query, { signal: reading.signal }))[Symbol.asyncIterator]()
  let got = 0
  const waits: number[] = []
  for (const run of runs) {
    const next = pages.next()
    await ledger.record(run, 'succeeded', result, noCost, 'settled')
    const recordedAt = performance.now()
    got += (await next).value?.length ?? 0
    waits.push(performance.now() - recordedAt)
  }
  expect(got).toBe(10)
  // Without a message a reader looks once a second.
  expect(waits.toSorted((a, b) => a - b)[5]).toBeLessThan(400)
})

test('each message counts twice: at once, and when the time without messages is over', async () => {
  const { redis, prefix } = testSluice()
  await using changes = createChanges({ subscriber: redis.duplicate() })
  let calls = 0
  using _subscribed = changes.subscribe(`${prefix}:channel`, () => {
    calls += 1
  })
  // Once for the subscription.
  await expect.poll(() => calls).toBe(1)
  await redis.publish(`${prefix}:channel`, 'changed')
  await expect.poll(() => calls).toBe(3)
})
