import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { expectCountsToAddUp, people, person, startSystem } from '../support/system.ts'

test('a worker that is frozen beyond its lock records nothing and calls nothing when it continues', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '2000', SIMULATOR_LATENCY_SPREAD: '0' } })
  const zombie = await system.worker({ SLUICE_CONCURRENCY: '5' })
  const { id } = await system.submit(people(5))
  // Not only taken: a call that the frozen worker is about to send would be made when it continues.
  while ((await system.simulator.stats()).in_flight < 5) await sleep(20)
  zombie.child.kill('SIGSTOP')
  await system.simulator.set('latency', { p50_ms: 20 })
  await system.worker({ SLUICE_CONCURRENCY: '5' })
  const results = await system.results(id)
  const before = await system.simulator.stats()
  zombie.child.kill('SIGCONT')
  await sleep(3_000)
  const after = await system.simulator.stats()
  expect(after.paid).toBe(before.paid)
  expect(await system.results(id)).toEqual(results)
  const batch = await system.batch(id)
  expect(batch.counts).toMatchObject({ succeeded: 5, running: 0 })
  expect(batch.usage.repeated_calls).toBe(5)
})

test('10,000 items over two workers, with a provider that fails in many ways, end with counters that add up', async () => {
  const system = await startSystem({
    simulator: {
      SIMULATOR_LATENCY_MS: '20',
      SIMULATOR_FAULTS:
        '500=0.02,503=0.01,rate_limit=0.0005,cut=0.005,cut_after=0.005,bad_json=0.02,schema_violation=0.02,refusal=0.01,truncation=0.005',
    },
  })
  await Promise.all([system.worker(), system.worker()])
  const { id } = await system.submit(people(10_000))
  let looks = 0
  const ended = await system.until(id, (batch) => {
    looks += 1
    expectCountsToAddUp(batch)
    return batch.status === 'completed'
  })
  expect(looks).toBeGreaterThan(10)
  const results = await system.results(id)
  expect(results.map((one) => one.index)).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  const failed = results.filter((one) => one.status === 'failed')
  expect(ended.counts).toMatchObject({ succeeded: 10_000 - failed.length, failed: failed.length })
  // Refusals and truncations are final; all other failures succeed when they are retried.
  expect(failed.length).toBeGreaterThan(50)
  expect(failed.length).toBeLessThan(400)
  expect(new Set(failed.map((one) => one.error?.type)).has('refused')).toBe(true)
  const completion = await system.results(id, '&order=completion')
  expect(new Set(completion.map((one) => one.index)).size).toBe(10_000)
})

test('Redis away for longer than a lock: everything waits and reports it, answers that came meanwhile are recorded, no call is repeated', async () => {
  await using redis = await startOwnRedis()
  const system = await startSystem({
    redisUrl: redis.url,
    simulator: { SIMULATOR_LATENCY_MS: '4000', SIMULATOR_LATENCY_SPREAD: '0' },
  })
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  const { id } = await system.submit(people(60))
  await system.until(id, ({ counts }) => counts.running >= 20 && counts.succeeded > 0)
  await sleep(1_000)
  await redis.kill()
  await sleep(2_000)
  expect((await system.request('GET', '/readyz')).status).toBe(503)
  expect((await system.request('POST', '/v1/batches', { extractor: person, items: ['Ann is 3'] })).status).toBe(503)
  expect((await system.request('GET', '/healthz')).status).toBe(200)
  await sleep(18_000)
  await redis.start()

  await expect.poll(async () => (await system.request('GET', '/readyz')).status, { timeout: 30_000 }).toBe(200)
  const results = await system.results(id)
  expect(results.map(({ index }) => index)).toEqual(Array.from({ length: 60 }, (_, i) => i))
  expect(results.every(({ status, attempts }) => status === 'succeeded' && attempts === 1)).toBe(true)
  const { usage } = await system.batch(id)
  const stats = await system.simulator.stats()
  expect(stats.paid_again).toBe(0)
  // The worker holds a quarter more items than slots: their calls begin when Redis is back, and end because their locks are lost.
  expect(usage.repeated_calls).toBeLessThanOrEqual(5)
})
