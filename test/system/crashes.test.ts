import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '@sluice/contract/batch'
import { expect, test } from 'vitest'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { people, person, startSystem } from '../support/system.ts'

function expectCountsToAddUp({ counts }: Batch): void {
  const { total, ...parts } = counts
  expect(Object.values(parts).reduce((sum, one) => sum + one, 0)).toBe(total)
}

test('a 202 means the items are on disk: API, worker and Redis die right after it, and none is lost', async () => {
  await using redis = await startOwnRedis()
  const first = await startSystem({
    redisUrl: redis.url,
    env: { SLUICE_PREFIX: 'same' },
    simulator: { SIMULATOR_LATENCY_MS: '400' },
  })
  const worker = await first.worker()
  const submitted = await first.submit(people(500))
  await Promise.all([first.api.stop('SIGKILL'), worker.stop('SIGKILL'), redis.kill()])
  await redis.start()

  const second = await startSystem({
    redisUrl: redis.url,
    env: { SLUICE_PREFIX: 'same' },
    simulator: { SIMULATOR_LATENCY_MS: '20' },
  })
  await second.worker()
  const results = await second.results(submitted.id)
  expect(results.map((one) => one.index)).toEqual(Array.from({ length: 500 }, (_, i) => i))
  expect(results.every((one) => one.status === 'succeeded')).toBe(true)
  expectCountsToAddUp(await second.batch(submitted.id))
})

test("a killed worker's items are finished by another within 30 s and spend no attempt", async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '1000', SIMULATOR_LATENCY_SPREAD: '0' } })
  const killed = await system.worker({ SLUICE_CONCURRENCY: '20' })
  const { id } = await system.submit(people(60))
  await system.until(id, (batch) => batch.counts.running >= 20)
  await killed.stop('SIGKILL')
  const began = Date.now()
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  const results = await system.results(id)
  expect(Date.now() - began).toBeLessThan(30_000 + 5_000)
  expect(results).toHaveLength(60)
  expect(results.every((one) => one.status === 'succeeded' && one.attempts === 1)).toBe(true)

  const batch = await system.batch(id)
  expectCountsToAddUp(batch)
  const stats = await system.simulator.stats()
  // Only what was in flight at the kill, or about to go (a tenth more), may have been asked twice, and all of it is counted.
  expect(batch.usage.repeated_calls).toBeLessThanOrEqual(22)
  expect(batch.usage.repeated_calls).toBeGreaterThanOrEqual(timesPaidTwice(stats))
})

test('SIGTERM hands running items back in under a second after the grace, spends no attempt, and exits 0', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '3000', SIMULATOR_LATENCY_SPREAD: '0' } })
  const stopped = await system.worker({ SLUICE_CONCURRENCY: '20', SLUICE_GRACE_S: '0.3' })
  const { id } = await system.submit(people(30))
  await system.until(id, (batch) => batch.counts.running >= 20)
  const began = Date.now()
  expect(await stopped.stop('SIGTERM')).toBe(0)
  expect(Date.now() - began).toBeLessThan(300 + 1_000)
  expect((await system.batch(id)).counts).toMatchObject({ running: 0, waiting: 30 })

  await system.simulator.set('latency', { p50_ms: 20 })
  await system.worker()
  const results = await system.results(id)
  expect(results.every((one) => one.status === 'succeeded' && one.attempts === 1)).toBe(true)
})

test('a worker that is frozen past its lock records nothing and spends nothing when it goes on', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '2000', SIMULATOR_LATENCY_SPREAD: '0' } })
  const zombie = await system.worker({ SLUICE_CONCURRENCY: '5' })
  const { id } = await system.submit(people(5))
  await system.until(id, (batch) => batch.counts.running >= 5)
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
        '500=0.02,503=0.01,rate_limit=0.003,cut=0.005,cut_after=0.005,bad_json=0.02,schema_violation=0.02,refusal=0.01,truncation=0.005',
    },
  })
  await Promise.all([system.worker(), system.worker()])
  const { id } = await system.submit(people(10_000))
  let looks = 0
  const ended = await system.until(
    id,
    (batch) => {
      looks += 1
      expectCountsToAddUp(batch)
      return batch.status === 'completed'
    },
    100_000,
  )
  expect(looks).toBeGreaterThan(10)
  const results = await system.results(id)
  expect(results.map((one) => one.index)).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
  const failed = results.filter((one) => one.status === 'failed')
  expect(ended.counts).toMatchObject({ succeeded: 10_000 - failed.length, failed: failed.length })
  // Refusals and truncations are final; everything else is mended by trying again.
  expect(failed.length).toBeGreaterThan(50)
  expect(failed.length).toBeLessThan(400)
  expect(new Set(failed.map((one) => one.error?.type)).has('refused')).toBe(true)
  const completion = await system.results(id, '&order=completion')
  expect(new Set(completion.map((one) => one.index)).size).toBe(10_000)
})

/** Answers that the simulator gave for a text it had answered before. */
function timesPaidTwice(stats: { content: Record<string, number> }): number {
  return Object.values(stats.content).reduce((sum, times) => sum + times - 1, 0)
}

test('Redis away for longer than a lock: all wait and say so, what was paid for meanwhile is recorded, nothing is paid again', async () => {
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

  await expect.poll(async () => (await system.request('GET', '/readyz')).status, { timeout: 10_000 }).toBe(200)
  const results = await system.results(id)
  expect(results.map(({ index }) => index)).toEqual(Array.from({ length: 60 }, (_, i) => i))
  expect(results.every(({ status, attempts }) => status === 'succeeded' && attempts === 1)).toBe(true)
  const { usage } = await system.batch(id)
  const stats = await system.simulator.stats()
  expect(stats.paid_again).toBe(0)
  // A quarter more than the slots is held ready: their calls begin when Redis is back, and end with their lost locks.
  expect(usage.repeated_calls).toBeLessThanOrEqual(5)
})
