import { Queue } from 'bullmq'
import { laneQueueName } from '@sluice/engine/queues/jobs'
import { preflight } from '@sluice/engine/redis/preflight'
import { expect, onTestFinished, test } from 'vitest'
import { extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

test('the format of the data is written at the first start, and data of a newer one is refused in one clear line', async () => {
  const sluice = testSluice()
  const { redis, keys, prefix, redisUrl } = sluice
  await sluice.engine()
  expect(await redis.get(keys.format)).toBe('2')
  expect(await preflight(redisUrl, { prefix })).toEqual([])
  await redis.set(keys.format, '3')
  const message = `The data under the prefix '${prefix}' has format 3, written by a newer Sluice; this one reads format 2: update it, or set another SLUICE_PREFIX.`
  expect(await preflight(redisUrl, { prefix })).toEqual([{ severity: 'fatal', message }])
  await expect(sluice.engine()).rejects.toThrow(message)
  await expect(sluice.worker(() => extracted({}))).rejects.toThrow(message)
  expect(await redis.get(keys.format)).toBe('3')
})

test('data of the format before is taken over once no worker of that version runs, which would not understand the new one', async () => {
  const sluice = testSluice()
  const { redis, keys, prefix, redisUrl } = sluice
  await redis.set(keys.format, '1')
  const announce = async (agoMs: number) => {
    const [seconds] = await redis.time()
    await redis.zadd(keys.workersAlive, Number(seconds) * 1_000 - agoMs, 'old-worker')
  }
  await announce(0)
  const [problem] = await preflight(redisUrl, { prefix })
  expect(problem?.severity).toBe('fatal')
  expect(problem?.message).toContain('stop all processes of that version')
  await expect(sluice.engine()).rejects.toThrow('a worker of an earlier Sluice still runs')
  expect(await redis.get(keys.format)).toBe('1')
  // It was killed: nothing removes its entry.
  await announce(10_000)
  await sluice.engine()
  expect(await redis.get(keys.format)).toBe('2')
})

test.each([
  ['a higher version', { v: 2 }],
  ['a field that this version does not know', { priority: 'high' }],
])('an item whose job has %s is left to newer workers: it neither fails nor runs here', async (_, more) => {
  const sluice = testSluice()
  const { redis, keys, errors } = sluice
  const engine = await sluice.engine()
  const queue = new Queue(laneQueueName('default'), { connection: redis, prefix: keys.laneQueuePrefix('default') })
  onTestFinished(() => queue.close())
  const data = { batch_id: 'batch_newer', index: 0, feed: 1, ...more }
  const job = await queue.add('newer', data, { jobId: 'batch_newer.0.1' })
  let calls = 0
  await sluice.worker(() => {
    calls += 1
    return extracted({})
  })
  // Handed back at least twice.
  await expect.poll(() => errors.filter(({ message }) => message.includes('newer Sluice')).length).toBeGreaterThan(1)
  expect(await job.isFailed()).toBe(false)
  expect(await redis.hget(queue.toKey('batch_newer.0.1'), 'atm')).toBeNull()
  expect(calls).toBe(0)
  // Meanwhile the worker does its own work.
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
  expect(await readAll(engine, batch.id)).toHaveLength(3)
})
