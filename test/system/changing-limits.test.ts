import { expect, test } from 'vitest'
import { people, startSystem } from '../support/system.ts'

const items = 900

test('a token limit that falls a thousandfold and rises again stops no batch, loses nothing, and is shown for the model', async () => {
  const system = await startSystem({
    simulator: { SIMULATOR_LATENCY_MS: '100', SIMULATOR_TPM: '200000000', SIMULATOR_BURST_S: '1' },
  })
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  const lane = async () => (await system.request('GET', '/v1/lanes')).body.data[0]
  const limitTold = async () => (await lane()).models[0]?.limits[0]?.limit
  const { id } = await system.submit(people(items))
  const done = async () => (await system.batch(id)).counts.succeeded
  await expect.poll(done).toBeGreaterThan(100)
  expect(await limitTold()).toBe(200_000_000)

  await system.simulator.set('limits', { tpm: 200_000 })
  await expect.poll(limitTold).toBe(200_000)
  const model = (await lane()).models[0]
  expect(model).toMatchObject({ model: 'simulator', binding_limit: 'tokens' })
  expect(model.limits[0]).toMatchObject({ name: 'tokens', unit: 'tokens', source: 'header', period_s: 60 })
  const slow = await done()
  // It continues at the pace of the new limit: about 30 calls a second.
  await expect.poll(done, { timeout: 20_000 }).toBeGreaterThan(slow + 60)

  await system.simulator.set('limits', { tpm: 200_000_000 })
  const finished = await system.until(id, ({ status }) => status === 'completed')
  expect(finished.counts).toMatchObject({ succeeded: items, failed: 0 })
  const stats = await system.simulator.stats()
  expect(stats.admitted).toBe(items)
  // Those in flight when the limit falls, and few afterwards.
  expect(stats.refused).toBeLessThan(120)
  const metrics = await (await fetch(`${system.url}/metrics`)).text()
  expect(metrics).toContain(
    'sluice_limit{lane="default",model="simulator",limit="tokens",unit="tokens",source="header"}',
  )
})
