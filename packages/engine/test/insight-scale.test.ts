import { createBatchFinder } from '@sluice/engine/batches/find-batch'
import { createBatchId } from '@sluice/engine/batches/batch-id'
import { createItemSource } from '@sluice/engine/batches/item-reader'
import { createListBatches } from '@sluice/engine/batches/list-batches'
import { createInsight } from '@sluice/engine/insight/insight'
import { createLiveFeed } from '@sluice/engine/insight/live-feed'
import { createChanges } from '@sluice/engine/redis/changes'
import { shardKey } from '@sluice/engine/redis/keys'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { inline, options, testSluice, type TestSluice } from './harness.ts'

const million = 1_000_000
const tenThousand = 10_000

/** What the API uses to show batches, over a connection whose commands and bytes are counted. */
async function counted({ redisUrl, keys }: TestSluice) {
  let commands = 0
  const redis = new Redis(redisUrl)
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (...args) => {
    commands += 1
    return send(...args)
  }
  onTestFinished(() => redis.disconnect())
  await redis.ping()
  const nothing = () => Promise.resolve(null)
  const finder = createBatchFinder({
    redis,
    keys,
    isPriced: () => false,
    hasLane: () => true,
    readPulse: nothing,
  })
  const subscriber = new Redis(redisUrl)
  onTestFinished(() => subscriber.disconnect())
  return {
    list: createListBatches({ redis, keys, finder }),
    insight: createInsight({ redis, keys, isPriced: () => false, items: createItemSource({ redis, keys }) }),
    live: createLiveFeed({
      redis,
      keys,
      finder,
      changes: createChanges({ subscriber }),
      summaries: { glance: nothing },
      readLanes: () => Promise.resolve([]),
      onError(error) {
        throw error
      },
    }),
    /** What `act` asked of Redis and got, and the size of its answer. */
    cost: async <Answer>(act: () => Promise<Answer>) => {
      const before = { commands, bytes: redis.stream.bytesRead }
      const answer = await act()
      return {
        answer,
        commands: commands - before.commands,
        bytes: redis.stream.bytesRead - before.bytes,
        sent: JSON.stringify(answer).length,
      }
    },
  }
}

test('a page asks little of Redis, and gets little, with 10,000 batches', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { redis, keys } = sluice
  const { batch } = await engine.batches.create({ extractor: inline, options }, [{ id: '0', text: 'one' }])
  const meta = await redis.dumpBuffer(keys.batch(batch.id).meta)
  const ids = Array.from({ length: tenThousand }, (_, i) => createBatchId(Date.now() + i))
  const pipeline = redis.pipeline()
  for (const id of ids)
    pipeline.restore(keys.batch(id).meta, 0, meta).hset(keys.batch(id).meta, { name: `"file ${id}"` })
  await pipeline.exec()
  await redis.zadd(keys.allBatches, ...ids.flatMap((id) => [0, id]))
  await redis.sadd(keys.activeBatches, ...ids)

  const { list, live, cost } = await counted(sluice)
  const first = await cost(() => list({ limit: 50 }))
  expect(first.answer.data).toHaveLength(50)
  expect(first.commands).toBeLessThan(51 * 10)
  expect(first.bytes).toBeLessThan(200_000)
  expect(first.sent).toBeLessThan(100_000)
  const search = await cost(() => list({ limit: 50, search: 'nowhere' }))
  expect(search.answer).toMatchObject({ data: [], has_more: true })
  expect(search.commands).toBeLessThan(5_200)
  expect(search.bytes).toBeLessThan(2_000_000)
  expect((await list({ limit: 50, search: ids[3]! })).data.map(({ id }) => id)).toEqual(
    expect.arrayContaining(search.answer.next === null ? [ids[3]] : []),
  )

  // All change all the time: the stream reads 200 a second of them, and in the end each one.
  const seconds = 4
  const left = new AbortController()
  const busy = setInterval(() => {
    const messages = redis.pipeline()
    for (let i = 0; i < 500; i += 1)
      messages.publish(keys.batch(ids[Math.floor(Math.random() * tenThousand)]!).changes, 'x')
    void messages.exec()
  }, 100)
  onTestFinished(() => clearInterval(busy))
  const streamed = await cost(async () => {
    const seen: string[] = []
    setTimeout(() => left.abort(), seconds * 1_000)
    for await (const { json } of await live.open(null, { signal: left.signal }))
      seen.push((JSON.parse(json) as { id: string }).id)
    return seen
  })
  expect(streamed.answer.length).toBeGreaterThan(200)
  expect(streamed.answer.length).toBeLessThanOrEqual((seconds + 1) * 200)
  expect(streamed.commands).toBeLessThanOrEqual((seconds + 1) * (200 * 10 + 10))
})

test('a page asks little of Redis, and gets little, in a batch of a million items of which 200,000 failed', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { redis, keys } = sluice
  const items = function* () {
    for (let i = 0; i < million; i += 1) yield { id: String(i), text: `text ${i} of the letter` }
  }
  const { batch } = await engine.batches.create({ extractor: inline, options }, items())
  const k = keys.batch(batch.id)
  const perShard = Number(await redis.hget(k.meta, 'items_per_shard'))
  const stored = { status: 'failed', error: { type: 'refused', message: 'no '.repeat(20) }, attempts: 1 }
  for (let from = 0; from < million; from += 50_000) {
    const pipeline = redis.pipeline()
    for (let index = from; index < from + 50_000; index += 5) {
      pipeline.sadd(shardKey(k.failed, index, perShard), index)
      pipeline.hset(shardKey(k.results, index, perShard), index, `${index}|${JSON.stringify(stored)}`)
    }
    await pipeline.exec()
  }
  await redis.hset(k.meta, { failed: million / 5 })

  const { insight, cost } = await counted(sluice)
  for (const query of [{ from: 900_000 }, { before: 500_000 }, { status: 'failed' as const, from: 700_001 }]) {
    const page = await cost(() => insight.items(batch.id, { limit: 50, ...query }))
    expect(page.answer.data).toHaveLength(50)
    expect(page.commands).toBeLessThan(40)
    expect(page.bytes).toBeLessThan(150_000)
    expect(page.sent).toBeLessThan(30_000)
  }
  for (const query of [
    { search: 'nowhere' },
    { error_type: 'filtered' as const },
    { status: 'running' as const },
    { error_group: '0123456789ab' },
  ]) {
    const none = await cost(() => insight.items(batch.id, { limit: 50, ...query }))
    expect(none.answer).toMatchObject({ data: [], has_more: true })
    expect(none.commands).toBeLessThan(400)
    expect(none.bytes).toBeLessThan(4_000_000)
  }
  const errors = await cost(() => insight.failures(batch.id))
  expect(errors).toMatchObject({ answer: { data: [], other_count: million / 5 } })
  expect(errors.commands).toBeLessThanOrEqual(4)
  const item = await cost(() => insight.item(batch.id, 654_321))
  expect(item.answer.text).toBe('text 654321 of the letter')
  expect(item.commands).toBeLessThan(10)
  expect(item.bytes).toBeLessThan(20_000)
})
