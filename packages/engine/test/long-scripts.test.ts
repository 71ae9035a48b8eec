import { laneConfig } from '@sluice/contract/lane'
import { createEngine } from '@sluice/engine/create-engine'
import type { Engine } from '@sluice/engine/engine'
import { createLedger, type Ledger } from '@sluice/engine/ledger/ledger'
import { noCost } from '@sluice/engine/ledger/run'
import { createKeys, type Keys } from '@sluice/engine/redis/keys'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { inline, options, testSluice, texts } from './harness.ts'

const longMs = 20
const [waiting, open] = [300_000, 250_000]

/** Fills keys in Redis: to send a million entries would take longer than what is measured. */
const fill = `
  for i = 1, ARGV[1] do redis.call('ZADD', KEYS[1], 0, i) end
  redis.call('HSET', KEYS[2], 'total', ARGV[1] + 1, 'next', ARGV[1] + 1)`
const fillOpen = `for i = 1, ARGV[1] do redis.call('HSET', KEYS[1], i, 5) end`

interface Measured {
  readonly redis: Redis
  readonly keys: Keys
  readonly engine: Engine
  readonly ledger: Ledger
  /** The most time of a processor that one script of the ledger took Redis, in ms. Not time by the clock: other programs would count. */
  readonly longest: () => number
}

/** A Redis for this test alone, and a ledger whose every script is measured. */
async function measured(): Promise<Measured> {
  const own = await startOwnRedis()
  onTestFinished(() => own[Symbol.asyncDispose]())
  const redis = new Redis(own.url)
  onTestFinished(() => redis.disconnect())
  const keys = createKeys('test')
  const lanes = { default: laneConfig.parse({ model: 'test' }) }
  const engine = await createEngine({ redisUrl: own.url, prefix: 'test', lanes, onError: () => {} })
  onTestFinished(() => engine[Symbol.asyncDispose]())
  const cpuMs = async () => {
    const info = await redis.info('cpu')
    const seconds = (kind: string) => Number(new RegExp(`^used_cpu_${kind}_main_thread:(.*)`, 'm').exec(info)![1])
    return 1_000 * (seconds('user') + seconds('sys'))
  }
  let longest = 0
  const watched = new Proxy(redis, {
    get(target, name) {
      if (name !== 'evalsha' && name !== 'eval') return Reflect.get(target, name)
      return async (...args: unknown[]) => {
        const before = await cpuMs()
        const reply = await (target[name] as (...args: unknown[]) => Promise<unknown>)(...args)
        longest = Math.max(longest, (await cpuMs()) - before)
        return reply
      }
    },
  })
  return { redis, keys, engine, ledger: createLedger({ redis: watched, keys }), longest: () => longest }
}

test('no step is long when 300,000 items wait for the text of one, and all of them come back', async () => {
  const { redis, keys, engine, ledger, longest } = await measured()
  const { batch } = await engine.batches.create(
    { extractor: inline, options: { ...options, deduplicate: true } },
    texts(1),
  )
  const k = keys.batch(batch.id)
  const { items } = await ledger.feed(batch.id, { places: 1, most: 1 })
  const run = { batchId: batch.id, index: 0, feed: items[0]!.feed, token: 'run' }
  expect((await ledger.take(run, { keepsTime: false, textHash: 'hash' })).type).toBe('taken')
  await redis.eval(fill, 2, k.parked, k.meta, waiting)
  const result = { status: 'succeeded', data: {}, usage: { input_tokens: 1, output_tokens: 1 }, attempts: 1 }
  expect(await ledger.record(run, 'succeeded', result, noCost, 'settled', { textHash: 'hash' })).toBe('recorded')
  // The process that recorded it may die here: the batch's feeder releases the rest.
  const fed = new Set<number>()
  let left = 1
  while (left > 0) {
    const feed = await ledger.feed(batch.id, { places: 10_000, most: 1_000_000 })
    for (const { index } of feed.items) fed.add(index)
    left = feed.left
  }
  expect(fed.size).toBe(waiting)
  expect(await redis.exists(k.parked, k.releasing, k.requeue)).toBe(0)
  expect(longest()).toBeGreaterThan(0)
  expect(longest()).toBeLessThan(longMs)
})

test('no step is long when a batch with 250,000 items in the window is paused, resumed and cancelled', async () => {
  const { redis, keys, engine, ledger, longest } = await measured()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
  const k = keys.batch(batch.id)
  await redis.hset(k.meta, { total: open + 1, next: open + 1 })
  await redis.eval(fillOpen, 1, k.open, open)
  // One item is on a worker: it stays.
  await redis.hset(k.runs, '7', 'run')
  await ledger.pause(batch.id, 'user')
  expect(await redis.hkeys(k.open)).toEqual(['7'])
  expect(await redis.llen(k.requeue)).toBe(open - 1)
  await ledger.resume(batch.id)
  await redis.eval(fillOpen, 1, k.open, open)
  await ledger.cancel(batch.id)
  expect(await redis.hkeys(k.open)).toEqual(['7'])
  expect((await engine.batches.get(batch.id)).status).toBe('cancelling')
  await ledger.letGo({ batchId: batch.id, index: 7, feed: 5, token: 'run' }, 'cancel')
  expect((await engine.batches.get(batch.id)).status).toBe('cancelled')
  expect(longest()).toBeGreaterThan(0)
  expect(longest()).toBeLessThan(longMs)
})

test('a pause that broke off half-way is completed by the next one, or by the workers', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const ledger = createLedger(sluice)
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
  const { items } = await ledger.feed(batch.id, { places: 3, most: 3 })
  // The process died after the first step.
  await sluice.redis.hset(sluice.keys.batch(batch.id).meta, { status: 'paused', pause_reason: 'user' })
  const run = { batchId: batch.id, index: 0, feed: items[0]!.feed, token: 'run' }
  await ledger.take(run, { keepsTime: false })
  const noPrice = { inputNanoUsd: 0, outputTokenNanoUsd: 0, mostOutputTokens: null }
  expect(await ledger.openCall(run, noPrice)).toBe('paused')
  expect(await ledger.letGo(run, 'requeue')).toBe('done')
  expect(await ledger.pause(batch.id, 'user')).toBe('paused')
  expect(await sluice.redis.exists(sluice.keys.batch(batch.id).open)).toBe(0)
  expect(await sluice.redis.lrange(sluice.keys.batch(batch.id).requeue, 0, -1)).toEqual(['1', '2', '0'])
})
