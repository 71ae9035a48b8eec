import { laneConfig } from '@sluice/contract/lane'
import { createEngine } from '@sluice/engine/create-engine'
import { createWorker } from '@sluice/engine/create-worker'
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
  expect(batch.pause_reason).toBe(
    "no_worker: no running worker has the lane 'old'; start one whose sluice.config.ts has it",
  )
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

test('a batch on a lane that the API has and no running worker has says so, and runs as soon as one comes', async () => {
  const sluice = testSluice()
  const { redisUrl, prefix } = sluice
  const lane = laneConfig.parse({ model: 'test' })
  const engine = await createEngine({ redisUrl, prefix, lanes: { default: lane, new: lane }, onError() {} })
  onTestFinished(() => engine[Symbol.asyncDispose]())
  await sluice.worker(() => extracted({}))
  const { batch: onNew } = await engine.batches.create({ extractor: { ...inline, lane: 'new' }, options }, texts(3))
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
  expect(onNew).toMatchObject({
    status: 'in_progress',
    pause_reason: "no_worker: no running worker has the lane 'new'; start one whose sluice.config.ts has it",
  })
  expect(batch.pause_reason).toBeNull()
  const other = await createWorker({
    redisUrl,
    prefix,
    lanes: { new: lane },
    concurrency: 2,
    retentionMs: null,
    onError() {},
    provider: () => ({
      estimateTokens: () => ({ input: 1, mostOutput: null }),
      extract: async () => ({
        outcome: extracted({}),
        usage: { input_tokens: 1, output_tokens: 1 },
        cachedInputTokens: 0,
        raw: null,
        limits: null,
        latencyMs: 1,
      }),
    }),
  })
  onTestFinished(() => other.close(0))
  await expect
    .poll(() => engine.batches.get(onNew.id), { timeout: 10_000 })
    .toMatchObject({
      status: 'completed',
      pause_reason: null,
    })
})
