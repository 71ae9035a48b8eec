import type { Batch } from '@sluice/contract/batch'
import { createBatchId } from '@sluice/engine/batches/batch-id'
import { createLaneWindow, createLiveWorker, readLiveWorkers } from '@sluice/engine/lanes/window'
import { expect, onTestFinished, test, vi } from 'vitest'
import { extracted, inline, options, testSluice, type TestSluice, texts } from './harness.ts'

/** Copies the hash of a batch under later ids. */
async function copies({ redis, keys }: TestSluice, id: string, count: number, fields: Record<string, string>) {
  const meta = await redis.dumpBuffer(keys.batch(id).meta)
  const ids = Array.from({ length: count }, (_, i) => createBatchId(Date.now() + i))
  const pipeline = redis.pipeline()
  for (const copy of ids) pipeline.restore(keys.batch(copy).meta, 0, meta).hset(keys.batch(copy).meta, fields)
  await pipeline.exec()
  await redis.zadd(keys.allBatches, ...ids.flatMap((copy) => [0, copy]))
  return ids
}

test('a list by status does bounded work for a request, and its pages reach every batch once', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const old = []
  for (let i = 0; i < 3; i += 1)
    old.push((await engine.batches.create({ extractor: inline, options }, texts(1))).batch.id)
  await copies(sluice, old[0]!, 12_000, { status: 'completed' })
  const first = await engine.batches.list({ limit: 20, status: 'in_progress' })
  expect(first).toMatchObject({ data: [], has_more: true, next: expect.stringMatching(/^batch_/) })
  const found: Batch[] = []
  let requests = 1
  for (let next = first.next; next !== null; requests += 1) {
    const page = await engine.batches.list({ limit: 2, status: 'in_progress', after: next })
    found.push(...page.data)
    next = page.next
  }
  expect(requests).toBe(4)
  expect(found.map(({ id }) => id)).toEqual(old.toReversed())
  const all = await engine.batches.list({ limit: 50 })
  expect(all.data).toHaveLength(50)
  expect(all.next).toBe(all.data.at(-1)?.id)
})

test('a lane is resumed, and its work counted, with thousands of paused batches', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
  await engine.batches.pause(batch.id)
  const { redis, keys } = sluice
  const ids = await copies(sluice, batch.id, 3_000, { pause_reason: 'out_of_funds: none' })
  await redis.sadd(keys.activeBatches, ...ids)
  expect((await engine.lanesNow())[0]).toMatchObject({
    items_waiting: 0,
    batches: 0,
    pause_reason: 'out_of_funds: none',
  })
  expect(await engine.batches.resumeLane('default')).toBe(3_000)
  await expect.poll(async () => (await engine.lanesNow())[0]).toMatchObject({ items_waiting: 9_000, batches: 3_000 })
  expect((await engine.batches.get(batch.id)).status).toBe('paused')
})

test('a worker whose clock is wrong counts as alive', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const queue = engine.queues.find(({ name }) => name === 'lane-default')!
  const { redis, keys } = sluice
  const worker = createLiveWorker(10)
  const wrong = createLaneWindow({ redis, keys, lane: 'default', queue })
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 60_000 })
  onTestFinished(() => void vi.useRealTimers())
  await wrong.announce(worker)
  expect(await readLiveWorkers(redis, keys.lane('default'))).toEqual([`${worker.id}|13|10`])
  vi.useRealTimers()
  expect((await createLaneWindow({ redis, keys, lane: 'default', queue }).room()).capacity).toBe(26)
  expect((await engine.lanesNow())[0]).toMatchObject({ workers: 1, concurrency: 10 })
})

test('what a killed worker last said is not counted, and is removed', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { redis, keys } = sluice
  const { gauges } = keys.lane('default')
  await redis.hset(gauges, { killed: `5|7|${Date.now() - 120_000}` })
  expect((await engine.lanesNow())[0]).toMatchObject({ in_flight: 0, waiting_for_quota: 0 })
  const held = Promise.withResolvers<void>()
  await sluice.worker(async () => {
    await held.promise
    return extracted({})
  })
  await engine.batches.create({ extractor: inline, options }, texts(1))
  await expect.poll(async () => (await engine.lanesNow())[0]?.in_flight).toBe(1)
  expect(await redis.hexists(gauges, 'killed')).toBe(0)
  held.resolve()
})

test('batches are found by lane, extractor, and text in their id, name or metadata', async () => {
  const engine = await testSluice().engine()
  const submit = async (name: string | undefined, metadata: Record<string, unknown>, version: number) => {
    const extractor = version === 0 ? inline : { ...inline, name: 'person', version }
    const given = { ...options, metadata, ...(name === undefined ? {} : { name }) }
    return (await engine.batches.create({ extractor, options: given }, texts(1))).batch.id
  }
  const letters = await submit('Letters of May.csv', {}, 1)
  const mail = await submit(undefined, { source: { box: 'INBOX 7' } }, 2)
  const other = await submit('other', { source: 'letters' }, 0)
  const found = async (filters: object) => {
    const { data } = await engine.batches.list({ limit: 10, ...filters })
    return data.map(({ id }) => id)
  }
  expect(await found({ search: 'LETTERS' })).toEqual([other, letters])
  expect(await found({ search: 'inbox 7' })).toEqual([mail])
  expect(await found({ search: mail.slice(8).toUpperCase() })).toEqual([mail])
  expect(await found({ search: 'source' })).toEqual([])
  expect(await found({ extractor: 'person' })).toEqual([mail, letters])
  expect(await found({ extractor: 'person@1' })).toEqual([letters])
  expect(await found({ extractor: 'inline', search: 'letters' })).toEqual([other])
  expect(await found({ lane: 'default' })).toHaveLength(3)
  expect(await found({ lane: 'fast' })).toEqual([])
  expect((await engine.batches.get(letters)).name).toBe('Letters of May.csv')
})
