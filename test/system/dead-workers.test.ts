import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { people, startSystem } from '../support/system.ts'

/** A lane that has had answers, so that 20 calls begin at once, and calls that take `ms` from then on. */
async function warmSystem(ms: number) {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '20', SIMULATOR_LATENCY_SPREAD: '0' } })
  const first = await system.worker({ SLUICE_CONCURRENCY: '20' })
  await system.results((await system.submit(people(100))).id)
  await system.simulator.set('latency', { p50_ms: ms, spread: 0 })
  return { system, first }
}

test('the items of a killed worker start again on another one within 5 s', async () => {
  const { system, first: killed } = await warmSystem(20_000)
  const { id } = await system.submit(people(20))
  await system.until(id, (batch) => batch.counts.running === 20)
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  // It takes part, and knows of the other one.
  await sleep(1_000)
  await killed.stop('SIGKILL')
  const began = Date.now()
  // A call that repeats one with an unknown end is counted when it starts.
  await system.until(id, (batch) => batch.usage.repeated_calls === 20)
  expect(Date.now() - began).toBeLessThan(5_000 + 1_000 * (system.slowdown - 1))
})

test('the items of a worker that is frozen for less than its locks do not run again', async () => {
  const { system, first: frozen } = await warmSystem(9_000)
  const { id } = await system.submit(people(20))
  await system.until(id, (batch) => batch.counts.running === 20)
  await system.worker({ SLUICE_CONCURRENCY: '20' })
  frozen.child.kill('SIGSTOP')
  // Several times as long as a dead worker's items wait, and less than a lock lasts.
  await sleep(7_000)
  frozen.child.kill('SIGCONT')
  const batch = await system.until(id, ({ status }) => status === 'completed')
  expect(batch.usage).toMatchObject({ calls: 20, repeated_calls: 0 })
})
