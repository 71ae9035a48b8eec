import { laneConfig } from '@sluice/contract/lane'
import { createEngine } from '@sluice/engine/create-engine'
import { createLedger, noExpectedCost } from '@sluice/engine/ledger/ledger'
import { expect, onTestFinished, test } from 'vitest'
import { extracted, inline, options, testSluice, texts } from './harness.ts'

test('a batch whose lane was removed from the configuration says so, ends when it is cancelled, and can be deleted', async () => {
  const sluice = testSluice()
  const { redisUrl, prefix } = sluice
  const lane = laneConfig.parse({ model: 'test' })
  const before = await createEngine({ redisUrl, prefix, lanes: { default: lane, old: lane }, onError() {} })
  onTestFinished(() => before[Symbol.asyncDispose]())
  const { batch } = await before.batches.create({ extractor: { ...inline, lane: 'old' }, options }, texts(3))
  expect(batch.pause_reason).toBeNull()
  // A worker took items, and was killed with a call in flight.
  const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
  const { items } = await ledger.feed(batch.id, { places: 2, most: 10 })
  for (const { index, feed } of items) {
    const run = { batchId: batch.id, index, feed, token: 'killed' }
    await ledger.take(run, { keepsTime: false })
    await ledger.openCall(run, noExpectedCost)
  }

  const engine = await sluice.engine()
  const view = await engine.batches.get(batch.id)
  expect(view.pause_reason).toBe(
    "lane_gone: the lane 'old' is not configured; add it to sluice.config.ts again, or cancel the batch",
  )
  expect(view.eta_s).toBeNull()
  expect((await engine.batches.cancel(batch.id)).status).toBe('cancelling')
  await sluice.worker(() => extracted({}))
  await expect.poll(async () => (await engine.batches.get(batch.id)).status).toBe('cancelled')
  const { counts, pause_reason: reason } = await engine.batches.get(batch.id)
  expect(counts).toMatchObject({ total: 3, running: 0, waiting: 0, cancelled: 3 })
  expect(reason).toBeNull()
  await engine.batches.delete(batch.id)
  await expect(engine.batches.get(batch.id)).rejects.toThrow('batch')
})
