import { expect, test } from 'vitest'
import { createLedger } from '@sluice/engine/ledger/ledger'
import { createBatchId } from '@sluice/engine/batches/batch-id'
import { extracted, inline, options, readAll, type TestSluice, testSluice, texts } from './harness.ts'

/** Copies a paused batch: as many as a user may leave lying about, without the time to send each. */
async function copyBatch({ redis, keys }: TestSluice, id: string, count: number): Promise<string[]> {
  const from = keys.batch(id)
  const [meta, blocks] = await Promise.all([redis.dumpBuffer(from.meta), redis.dumpBuffer(from.blocks)])
  const ids = Array.from({ length: count }, () => createBatchId(Date.now()))
  const pipeline = redis.pipeline()
  for (const copy of ids) {
    const k = keys.batch(copy)
    pipeline.restore(k.meta, 0, meta).restore(k.blocks, 0, blocks)
  }
  await pipeline.exec()
  await redis.sadd(keys.activeBatches, ...ids)
  await redis.zadd(keys.allBatches, ...ids.flatMap((copy) => [0, copy]))
  return ids
}

test('paused batches cost nothing, and stop no other batch', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(2))
  await engine.batches.pause(batch.id)
  const copies = await copyBatch(sluice, batch.id, 3_000)
  await sluice.worker(() => extracted({}))
  const other = await engine.batches.create({ extractor: inline, options }, texts(20))
  expect(await readAll(engine, other.batch.id)).toHaveLength(20)
  expect(await sluice.redis.zcard(sluice.keys.lane('default').ready)).toBe(0)
  // A resumed one has its turn at once.
  await engine.batches.resume(copies[1_500]!)
  expect(await readAll(engine, copies[1_500]!)).toHaveLength(2)
})

test('batches far beyond the window have their turns, each item once', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
  await engine.batches.pause(batch.id)
  const copies = await copyBatch(sluice, batch.id, 400)
  const ledger = createLedger(sluice)
  for (const id of copies) await ledger.resume(id)
  let calls = 0
  // The sweeper finds them: whoever resumed them died before it could say so.
  await sluice.worker(() => {
    calls += 1
    return extracted({})
  })
  const isDone = async () => (await sluice.redis.scard(sluice.keys.activeBatches)) === 1
  await expect.poll(isDone, { timeout: 60_000, interval: 200 }).toBe(true)
  expect(calls).toBe(1_200)
  for (const id of [copies[0]!, copies[399]!]) {
    expect((await engine.batches.get(id)).counts).toMatchObject({ total: 3, succeeded: 3 })
  }
}, 90_000)

test('a batch continues after a failover rolled its keys back to before its jobs ended', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
  const { redis, keys } = sluice
  const k = keys.batch(batch.id)
  await sluice.worker(() => extracted({}))
  await readAll(engine, batch.id)
  const queue = engine.queues.find((one) => one.name === 'batches')!
  await expect.poll(() => queue.getJobCountByTypes('completed')).toBe(1)
  // As after a failover: the second item is open again, and its job and that of the batch have ended.
  await redis
    .multi()
    .hset(k.meta, { status: 'in_progress', succeeded: 2, finished_at: '' })
    .hset(k.open, '1', '2')
    .hdel(k.results, '1')
    .lrem(k.done, 1, '1')
    .exec()
  await redis.multi().sadd(keys.activeBatches, batch.id).zrem(keys.endedBatches, batch.id).exec()
  const isEnded = async () => (await engine.batches.get(batch.id)).status
  await expect.poll(isEnded, { timeout: 60_000, interval: 200 }).toBe('completed')
  expect((await engine.batches.get(batch.id)).counts).toMatchObject({ total: 3, succeeded: 3 })
}, 90_000)
