import { expect, test } from 'vitest'
import { people, person, startSystem } from '../support/system.ts'

test('the same texts again and again in an upload are each paid once though a worker is killed, and the next batch takes them from what was kept', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '700', SIMULATOR_LATENCY_SPREAD: '0' } })
  const killed = await system.worker({ SLUICE_CONCURRENCY: '20' })
  await system.request('POST', '/v1/extractors', { name: 'person', ...person })
  const texts = people(100)
  const lines = Array.from({ length: 2_000 }, (_, i) => `${JSON.stringify(texts[(i * 7) % 100])}\n`).join('')
  const upload = async () => {
    const query = 'extractor=person&deduplicate=true&cache_s=600'
    const response = await fetch(`${system.url}/v1/batches?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines,
    })
    expect(response.status).toBe(202)
    return ((await response.json()) as { id: string }).id
  }
  const id = await upload()
  await system.until(id, ({ counts }) => counts.running >= 15 && counts.succeeded > 0)
  await killed.stop('SIGKILL')
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  const results = await system.results(id)
  expect(results).toHaveLength(2_000)
  for (const { index, status, data } of results) {
    const name = /My name is (\w+)/.exec(texts[(index * 7) % 100]!)?.[1]
    expect({ status, data }).toMatchObject({ status: 'succeeded', data: { name } })
  }
  const { usage, counts } = await system.batch(id)
  expect(counts).toMatchObject({ total: 2_000, succeeded: 2_000, waiting: 0, running: 0 })
  expect(usage.deduplicated).toBe(1_900)
  const stats = await system.simulator.stats()
  expect(stats.paid).toBeLessThanOrEqual(100 + usage.repeated_calls)
  expect(usage.repeated_calls).toBeLessThanOrEqual(22)

  const again = await upload()
  expect((await system.results(again)).filter(({ cached }) => cached)).toHaveLength(100)
  expect((await system.batch(again)).usage).toMatchObject({ calls: 0, cached: 100, deduplicated: 1_900 })
  expect((await system.simulator.stats()).paid).toBe(stats.paid)
})
