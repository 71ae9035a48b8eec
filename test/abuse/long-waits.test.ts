import { expect, test } from 'vitest'
import { people, startSystem } from '../support/system.ts'

test('a provider that asks to wait for years holds its lane for a bounded time, visibly, and a resume frees it', async () => {
  const system = await startSystem()
  await system.worker()
  await system.simulator.set('faults', { script: [{ fault: 'rate_limit', times: 1, retry_after_s: 3_000_000_000 }] })
  const { id } = await system.submit(people(5))
  const lane = async () => (await system.request('GET', '/v1/lanes')).body.data[0]
  await expect.poll(async () => (await lane()).held_until, { timeout: 20_000 }).toBeGreaterThan(Date.now() / 1_000)
  expect((await lane()).held_until).toBeLessThan(Date.now() / 1_000 + 610)
  expect((await lane()).models[0].waits_for).toContain('429')
  const held = await system.until(id, ({ hold }) => hold !== null, 10_000)
  expect(held).toMatchObject({ status: 'in_progress', pause_reason: null })
  expect(held.hold?.until).toBeCloseTo((await lane()).held_until, 1)
  expect(held.hold?.reason).toContain('simulator: The provider refused a call (429)')
  const answer = await system.request('POST', '/v1/lanes/default/resume')
  expect(answer.status).toBe(200)
  const done = await system.until(id, ({ status }) => status === 'completed', 30_000)
  expect([done.counts.succeeded, done.hold]).toEqual([5, null])
})

test('the longest wait is set by the configuration: the lane asks again by itself when it is over', async () => {
  const system = await startSystem({
    env: { SLUICE_CONFIG: new URL('short-wait.config.ts', import.meta.url).pathname },
  })
  await system.worker()
  await system.simulator.set('faults', { script: [{ fault: 'rate_limit', times: 1, retry_after_s: 3_000_000_000 }] })
  const { id } = await system.submit(people(5))
  const held = await system.until(id, ({ hold }) => hold !== null, 20_000)
  expect((held.hold?.until ?? 0) - Date.now() / 1_000).toBeLessThan(4)
  const done = await system.until(id, ({ status }) => status === 'completed', 30_000)
  expect(done.counts.succeeded).toBe(5)
})
