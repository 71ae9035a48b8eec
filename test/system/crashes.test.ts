import { expect, test } from 'vitest'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { expectCountsToAddUp, people, startSystem } from '../support/system.ts'

test('a 202 means the items are on disk: API, worker and Redis are killed right after it, and no item is lost', async () => {
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

test("another worker finishes a killed worker's items within 30 s, and they spend no attempt", async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '1000', SIMULATOR_LATENCY_SPREAD: '0' } })
  const killed = await system.worker({ SLUICE_CONCURRENCY: '20' })
  const { id } = await system.submit(people(60))
  await system.until(id, (batch) => batch.counts.running >= 20)
  await killed.stop('SIGKILL')
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  const began = Date.now()
  const results = await system.results(id)
  // Taking over takes 25 s at most; the 60 calls take 3 s, and more on a busy machine.
  expect(Date.now() - began).toBeLessThan(25_000 + 5_000 * system.slowdown)
  expect(results).toHaveLength(60)
  expect(results.every((one) => one.status === 'succeeded' && one.attempts === 1)).toBe(true)

  const batch = await system.batch(id)
  expectCountsToAddUp(batch)
  const stats = await system.simulator.stats()
  // Only calls that were in flight at the kill, or about to start (a tenth more), may have been repeated, and all of them are counted.
  expect(batch.usage.repeated_calls).toBeLessThanOrEqual(22)
  expect(batch.usage.repeated_calls).toBeGreaterThanOrEqual(timesPaidTwice(stats))
})

test('while items wait for the locks of a frozen worker, the estimate is not lower than that wait', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '100', SIMULATOR_LATENCY_SPREAD: '0' } })
  const frozen = await system.worker({ SLUICE_CONCURRENCY: '10' })
  await system.worker({ SLUICE_CONCURRENCY: '10' })
  const { id } = await system.submit(people(1_000))
  // Nearly at the end: the other worker must be done long before the lock expires.
  await system.until(id, ({ counts, eta_s: eta }) => counts.succeeded > 900 && eta !== null)
  process.kill(frozen.pid, 'SIGSTOP')
  const { eta_s: eta } = await system.until(
    id,
    ({ counts, eta_s: eta }) => counts.succeeded < 1_000 && (eta?.p50 ?? 0) > 5,
  )
  expect(eta!.p90).toBeGreaterThan(eta!.p50)
  const done = await system.until(id, ({ status }) => status === 'completed')
  expect(done.counts.succeeded).toBe(1_000)
  await frozen.stop('SIGKILL')
})

test('SIGTERM returns running items within a second after the grace period, spends no attempt, and exits 0', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '100', SIMULATOR_LATENCY_SPREAD: '0' } })
  const stopped = await system.worker({ SLUICE_CONCURRENCY: '20', SLUICE_GRACE_S: '0.3' })
  const total = 3_000
  const { id } = await system.submit(people(total))
  await system.until(id, ({ counts }) => counts.succeeded > 100)
  // Calls that start now would hold the worker for a minute.
  await system.simulator.set('latency', { p50_ms: 60_000 })
  await system.until(id, ({ counts }) => counts.running >= 10)
  const began = Date.now()
  expect(await stopped.stop('SIGTERM')).toBe(0)
  expect(Date.now() - began).toBeLessThan(300 + 1_000 * system.slowdown)
  const { counts } = await system.batch(id)
  expect(counts.running).toBe(0)
  expect(counts.waiting).toBe(total - counts.succeeded)
  expect(counts.waiting).toBeGreaterThan(0)

  await system.simulator.set('latency', { p50_ms: 20 })
  await system.worker()
  const results = await system.results(id)
  expect(results).toHaveLength(total)
  expect(results.every((one) => one.status === 'succeeded' && one.attempts === 1)).toBe(true)
})

/** Answers of the simulator to texts that it had answered before. */
function timesPaidTwice(stats: { content: Record<string, number> }): number {
  return Object.values(stats.content).reduce((sum, times) => sum + times - 1, 0)
}
