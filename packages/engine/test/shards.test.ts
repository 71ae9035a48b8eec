import { createBatchFinder } from '@sluice/engine/batches/find-batch'
import { createItemSource } from '@sluice/engine/batches/item-reader'
import { createLedger } from '@sluice/engine/ledger/ledger'
import { noCost } from '@sluice/engine/ledger/run'
import { itemsPerShard } from '@sluice/engine/redis/keys'
import { expect, test } from 'vitest'
import { broken, extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

const total = 100_000_000

/** All keys of a batch, and how many entries each has. */
async function sizes({ redis, prefix }: ReturnType<typeof testSluice>, id: string): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for await (const page of redis.scanStream({ match: `${prefix}:{${id}}:*`, count: 1_000 })) {
    for (const key of page as string[]) {
      const type = await redis.type(key)
      const counts = { hash: 'hlen', set: 'scard', list: 'llen', stream: 'xlen', zset: 'zcard' } as const
      found.set(key.split('}:')[1]!, await redis[counts[type as keyof typeof counts]](key))
    }
  }
  return found
}

/** Fills a shard of a list in Redis. */
const fillList = `for i = 1, ARGV[1] do redis.call('RPUSH', KEYS[1], i) end`

test('the items of a batch of 100 million at its end are recorded, read, retried and removed, and no key has more than its range', async () => {
  const sluice = testSluice()
  const { redis, keys } = sluice
  const engine = await sluice.engine()
  const ledger = createLedger(sluice)
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
  const k = keys.batch(batch.id)
  // 20 items are left, ten of them in the last but one shard of the order of completion.
  const firstLeft = total - 20
  const doneShard = Math.floor((total - 20) / itemsPerShard)
  await redis.hset(k.meta, { total, next: firstLeft, succeeded: firstLeft, done_shard: doneShard })
  await redis.eval(fillList, 1, `${k.done}:${doneShard}`, itemsPerShard - 10)
  const firstPosition = (doneShard + 1) * itemsPerShard - 10

  const { items } = await ledger.feed(batch.id, { places: 100, most: 100 })
  expect(items.map(({ index }) => index)).toEqual(Array.from({ length: 20 }, (_, i) => firstLeft + i))
  for (const { index, feed } of items) {
    const run = { batchId: batch.id, index, feed, token: 'run' }
    expect((await ledger.take(run, { keepsTime: false })).type).toBe('taken')
    const status = index % 2 === 0 ? 'succeeded' : 'failed'
    const error = status === 'failed' ? { error: { type: 'internal_error', message: '' } } : { data: { index } }
    const result = { status, ...error, usage: { input_tokens: 1, output_tokens: 1 }, attempts: 1 }
    expect(await ledger.record(run, status, result, noCost, 'settled')).toBe('recorded')
  }
  expect((await engine.batches.get(batch.id)).status).toBe('completed')

  // In both orders, from a cursor on, over the border of a shard.
  const indexes = Array.from({ length: 20 }, (_, i) => firstLeft + i)
  const byIndex = await readAll(engine, batch.id, { after: `i${firstLeft - 1}`, follow: false })
  expect(byIndex.map(({ index }) => index)).toEqual(indexes)
  const byTime = await readAll(engine, batch.id, {
    order: 'completion',
    after: `c${firstPosition - 1}`,
    follow: false,
  })
  expect(byTime.map(({ index }) => index)).toEqual(indexes)
  expect(byTime.map(({ cursor }) => cursor)).toEqual(indexes.map((_, i) => `c${firstPosition + i}`))
  expect(Math.max(...(await sizes(sluice, batch.id)).values())).toBeLessThanOrEqual(itemsPerShard)

  // Failed ones are found in their shards, and go back.
  expect((await engine.batches.previewRetry(batch.id, {})).count).toBe(10)
  expect(await engine.batches.retry(batch.id, { items: [String(total - 1)] })).toBe(1)
  const again = await ledger.feed(batch.id, { places: 10, most: 10 })
  expect(again.items.map(({ index }) => index)).toEqual([total - 1])
  await ledger.cancel(batch.id)
  await ledger.endCancelled(batch.id)
  await engine.batches.delete(batch.id)
  expect(await sizes(sluice, batch.id)).toEqual(new Map())
})

test('a batch of many shards lives as one of few items: uploaded, with same texts, paused, retried, read and removed', async () => {
  const sluice = testSluice()
  const { redis, keys } = sluice
  const engine = await sluice.engine()
  const { batch } = await engine.uploads.open({ extractor: inline, options: { ...options, deduplicate: true } })
  const k = keys.batch(batch.id)
  // As large batches have it, with shards of 8 items.
  const perShard = 8
  await redis.hset(k.meta, { items_per_shard: perShard })
  const all = Array.from({ length: 100 }, (_, i) => ({ id: `item-${i}`, text: `text ${i < 60 ? i % 2 : i}` }))
  await engine.uploads.append(batch.id, 0, all.slice(0, 37))
  await engine.uploads.append(batch.id, 37, all.slice(37))
  expect((await Array.fromAsync(engine.uploads.staged(batch.id, 30))).flat().map(({ id }) => id)).toEqual(
    all.slice(30).map(({ id }) => id),
  )
  let broke = true
  const asked = new Map<string, number>()
  const worker = await sluice.worker(async ({ text }) => {
    asked.set(text, (asked.get(text) ?? 0) + 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
    return broke && text === 'text 99' ? { type: 'refused', message: 'no' } : extracted({ text })
  })
  await engine.uploads.seal(batch.id)
  await engine.batches.pause(batch.id)
  await engine.batches.resume(batch.id)
  const results = await readAll(engine, batch.id)
  expect(results.map(({ id }) => id)).toEqual(all.map(({ id }) => id))
  expect(results.filter(({ status }) => status === 'failed').map(({ id }) => id)).toEqual(['item-99'])
  expect([asked.get('text 0'), asked.get('text 1')]).toEqual([1, 1])
  expect((await engine.batches.get(batch.id)).usage.deduplicated).toBe(58)

  broke = false
  expect(await engine.batches.retry(batch.id, {})).toBe(1)
  await readAll(engine, batch.id)
  const inOrder = await readAll(engine, batch.id, { order: 'completion' })
  expect(new Set(inOrder.map(({ id }) => id)).size).toBe(100)
  expect(inOrder).toHaveLength(100)
  expect(inOrder.every(({ status, data }, i) => status === 'succeeded' && data !== undefined && i < 100)).toBe(true)
  expect((await engine.batches.get(batch.id)).stored_bytes).toBeGreaterThan(1_000)

  const bounded = [...(await sizes(sluice, batch.id))].filter(([key]) => /^(blocks|results|done|failed)/.test(key))
  // 13 each of blocks, results and order.
  expect(bounded).toHaveLength(39)
  expect(Math.max(...bounded.map(([, count]) => count))).toBe(perShard)
  await worker.close(0)
  await engine.batches.delete(batch.id)
  expect(await sizes(sluice, batch.id)).toEqual(new Map())
})

test('a batch of 140,000 items is staged in three shards, each item is found, and one that breaks off leaves nothing', async () => {
  const sluice = testSluice()
  const { redis, keys, prefix } = sluice
  const engine = await sluice.engine()
  const count = 140_000
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(count))
  expect(batch.counts.total).toBe(count)
  expect([...(await sizes(sluice, batch.id)).keys()].sort()).toEqual(['blocks', 'blocks:1', 'blocks:2', 'meta'])
  const source = createItemSource({ redis, keys })
  for (const index of [0, 1, itemsPerShard - 1, itemsPerShard, 2 * itemsPerShard, count - 1]) {
    expect(await source.get(batch.id, index)).toEqual({ id: String(index), text: `text ${index}` })
  }
  expect(await source.get(batch.id, count)).toBeNull()
  await engine.batches.cancel(batch.id)
  await engine.batches.delete(batch.id)
  function* breaksOff() {
    yield* texts(count)
    throw new Error('The client is gone.')
  }
  await expect(engine.batches.create({ extractor: inline, options }, breaksOff())).rejects.toThrow('client is gone')
  expect(await redis.keys(`${prefix}:{batch_*`)).toEqual([])
})

test('a batch that was stored by the version before, in one key each, continues and is read', async () => {
  const sluice = testSluice()
  const { redis, keys } = sluice
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create(
    { extractor: inline, options: { ...options, deduplicate: true } },
    Array.from({ length: 20 }, (_, i) => ({ id: String(i), text: `text ${i % 4}` })),
  )
  const k = keys.batch(batch.id)
  await redis.hdel(k.meta, 'items_per_shard')
  // That version had parked two items, of which the process that answers their text knows nothing.
  const ledger = createLedger(sluice)
  const { items } = await ledger.feed(batch.id, { places: 5, most: 5 })
  await redis.zadd(k.parked, 0, '4')
  await redis.hdel(k.open, '4')
  await ledger.pause(batch.id, 'user')
  await sluice.worker(({ text }) => extracted({ text }))
  await engine.batches.resume(batch.id)
  const results = await readAll(engine, batch.id)
  expect(items).toHaveLength(5)
  expect(results.map(({ data }) => data)).toEqual(Array.from({ length: 20 }, (_, i) => ({ text: `text ${i % 4}` })))
  expect(await redis.exists(k.parked, k.chains, k.releasing)).toBe(0)
})

test('a batch of many shards is hidden before the first of them is removed, and the sweeper completes its removal', async () => {
  const sluice = testSluice()
  const { redis, keys } = sluice
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
  const k = keys.batch(batch.id)
  await redis.hset(k.meta, { total: 3 * itemsPerShard, status: 'completed', finished_at: Date.now() })
  await redis.hset(`${k.results}:2`, 2 * itemsPerShard, '1|{}')
  // As a process leaves it that dies after its first step.
  await redis.hset(k.meta, { status: 'staging' })
  await redis.zadd(keys.stagingBatches, Date.now() - 11 * 60_000, batch.id)
  await expect(engine.batches.get(batch.id)).rejects.toThrow('There is no batch')
  await expect(readAll(engine, batch.id)).rejects.toThrow('There is no batch')
  await sluice.worker(() => broken())
  await expect.poll(() => sizes(sluice, batch.id), { timeout: 10_000 }).toEqual(new Map())
  // The last step.
  await expect.poll(() => redis.zscore(keys.stagingBatches, batch.id)).toBeNull()
})

test('the memory of a batch of many shards is an estimate from a few of them', async () => {
  const sluice = testSluice()
  const { redis, keys } = sluice
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
  const k = keys.batch(batch.id)
  await redis.hset(k.meta, { total: 100, items_per_shard: 1 })
  for (let shard = 1; shard < 100; shard += 1) await redis.hset(`${k.results}:${shard}`, shard, 'x'.repeat(10_000))
  const finder = createBatchFinder({
    redis,
    keys,
    isPriced: () => false,
    hasLane: () => true,
    readPulse: async () => null,
  })
  const { stored_bytes: bytes } = await finder.get(batch.id)
  expect(bytes).toBeGreaterThan(99 * 10_000)
  expect(bytes).toBeLessThan(99 * 14_000)
})
