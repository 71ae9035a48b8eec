import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { extracted, inline, options, readAll, testSluice } from './harness.ts'

test('an item whose document gave no text fails with the error of the document, without a call', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const asked: string[] = []
  await sluice.worker(({ text }) => {
    asked.push(text)
    return extracted(text)
  })
  const failure = { type: 'unreadable', message: 'The PDF is encrypted.' } as const
  const { batch } = await engine.batches.create({ extractor: inline, options }, [
    { id: 'a.pdf', text: '', failure, metadata: { folder: 'x' } },
    { id: 'b.pdf', text: '', failure: { type: 'too_large', message: 'The PDF has 3 pages.' } },
    { id: 'c.txt', text: 'text' },
  ])
  expect(await readAll(engine, batch.id)).toMatchObject([
    { id: 'a.pdf', status: 'failed', error: failure, attempts: 0, metadata: { folder: 'x' } },
    { id: 'b.pdf', status: 'failed', error: { type: 'too_large', message: 'The PDF has 3 pages.' }, attempts: 0 },
    { id: 'c.txt', status: 'succeeded', data: 'text' },
  ])
  expect(asked).toEqual(['text'])
  expect((await engine.batches.get(batch.id)).usage).toMatchObject({ calls: 1, repeated_calls: 0 })
})

test('a batch whose items arrive slowly is not removed and keeps its idempotency key', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const claim = sluice.keys.idempotency(createHash('sha256').update('slow').digest('hex'))
  const left: { keyMs: number; staged: number }[] = []
  async function* slowly() {
    yield { id: '0', text: 'first' }
    const [id = ''] = await sluice.redis.zrangebyscore(sluice.keys.stagingBatches, '-inf', '+inf')
    // As if all this had taken minutes.
    await sluice.redis.pexpire(claim, 20_000)
    await sluice.redis.zadd(sluice.keys.stagingBatches, 1, id)
    await sleep(6_000)
    left.push({
      keyMs: await sluice.redis.pttl(claim),
      staged: Number(await sluice.redis.zscore(sluice.keys.stagingBatches, id)),
    })
    yield { id: '1', text: 'second' }
  }
  const began = Date.now()
  const idempotency = { key: 'slow', fingerprint: 'f' }
  const { batch } = await engine.batches.create({ extractor: inline, options, idempotency }, slowly())
  expect(left[0]!.keyMs).toBeGreaterThan(30_000)
  expect(left[0]!.staged).toBeGreaterThan(began)
  expect(batch.counts.total).toBe(2)
  // Nothing of it is renewed any more: the key is kept for days, and the batch is not one that is being staged.
  await sleep(5_500)
  expect(await sluice.redis.pttl(claim)).toBeGreaterThan(86_400_000)
  expect(await sluice.redis.zcard(sluice.keys.stagingBatches)).toBe(0)
})
