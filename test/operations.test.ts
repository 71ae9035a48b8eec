import { expect, test } from 'vitest'
import { people, startSystem } from './system.ts'

test('lanes and metrics tell what was called, what it cost nobody, and how many workers the work could use', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '300', SIMULATOR_FAULTS: '500=0.2' } })
  await system.worker({ SLUICE_CONCURRENCY: '10' })
  const lane = async () => (await system.request('GET', '/v1/lanes')).body.data[0]
  const { id } = await system.submit(people(300))
  await expect.poll(async () => (await lane()).in_flight, { timeout: 10_000 }).toBe(10)
  const busy = await lane()
  expect(busy).toMatchObject({
    name: 'default',
    model: 'simulator',
    workers: 1,
    concurrency: 10,
    batches: 1,
    cost_usd: null,
  })
  expect(busy.workers_wanted).toBeGreaterThan(10)

  await system.until(id, ({ status }) => status === 'completed')
  const stats = await system.simulator.stats()
  await expect.poll(async () => (await lane()).calls.extracted, { timeout: 5_000 }).toBe(300)
  const done = await lane()
  expect(done).toMatchObject({ in_flight: 0, items_waiting: 0, workers_wanted: 0, batches: 0 })
  expect(done.calls.unavailable).toBe(stats.faults['500'])
  expect(done.usage.input_tokens).toBe((await system.batch(id)).usage.input_tokens)

  const metrics = await (await fetch(`${system.url}/metrics`)).text()
  const value = (line: string) =>
    Number(
      metrics
        .split('\n')
        .find((one) => one.startsWith(`${line} `))
        ?.split(' ')[1],
    )
  expect(value('sluice_calls_total{lane="default",outcome="extracted"}')).toBe(300)
  expect(value('sluice_call_seconds_bucket{lane="default",le="+Inf"}')).toBe(300 + done.calls.unavailable)
  expect(value('sluice_call_seconds_bucket{lane="default",le="2.5"}')).toBeGreaterThan(290)
  expect(value('sluice_redis_used_bytes')).toBeGreaterThan(100_000)
  // Texts, results and keys are in neither.
  expect(metrics + JSON.stringify(done) + system.api.output()).not.toMatch(/My name is|Ticket 7/)
})
