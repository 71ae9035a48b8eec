import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

test('a lane of few requests a minute continues after a cancelled batch and a pause, whose jobs are dropped without a call', async () => {
  const sluice = testSluice({ rpm: 60 })
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}), { concurrency: 100 })
  const create = async (count: number) =>
    (await engine.batches.create({ extractor: inline, options }, texts(count))).batch.id
  const cancelled = await create(1_000)
  await sleep(1_000)
  await engine.batches.cancel(cancelled)
  const id = await create(4)
  await sleep(500)
  await engine.batches.pause(id)
  await engine.batches.resume(id)
  // One a second.
  expect(await readAll(engine, id, {}, 12_000)).toHaveLength(4)
})
