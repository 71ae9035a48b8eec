import { createLedger } from '@sluice/engine/ledger/ledger'
import { noteEvent, noteSample, readTimeline } from '@sluice/engine/ledger/timeline'
import { describe, expect, test, vi } from 'vitest'
import { extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

describe('the time line of a batch', () => {
  test('says what happened to it, why, and in which order', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let healthy = false
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(4))
    await engine.batches.pause(batch.id)
    await engine.batches.pause(batch.id)
    await engine.batches.patch(batch.id, { concurrency: 2, max_cost_usd: null })
    await engine.batches.resume(batch.id)
    await sluice.worker(({ text }) =>
      healthy || text === 'text 3' ? extracted({}) : { type: 'refused', message: 'no' },
    )
    await readAll(engine, batch.id)
    const events = async () =>
      (await engine.insight.timeline(batch.id)).events.map(({ type, message }) => [type, message])
    await expect.poll(events).toContainEqual(['completed', '1 succeeded, 3 failed'])
    healthy = true
    await engine.batches.retry(batch.id, { items: ['0', '1'] })
    await expect.poll(events, { timeout: 10_000 }).toContainEqual(['completed', '3 succeeded, 1 failed'])
    expect(await events()).toEqual([
      ['created', '4 items'],
      ['paused', 'user'],
      ['changed', 'concurrency: 2, max_cost_usd: none'],
      ['resumed', ''],
      ['started', ''],
      ['completed', '1 succeeded, 3 failed'],
      ['retried', '2 failed items went back to work'],
      ['completed', '3 succeeded, 1 failed'],
    ])
    const { samples } = await engine.insight.timeline(batch.id)
    expect(samples[0]).toMatchObject({ cost_usd: null, limit_per_s: null })
    expect(samples.at(-1)).toMatchObject({ succeeded: 3, failed: 1 })
    await expect(engine.insight.timeline('batch_none')).rejects.toMatchObject({ code: 'batch_not_found' })
  })

  test('says once in a minute that a worker was lost, however many items it held', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(20))
    const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
    for (const { index, feed } of (await ledger.feed(batch.id, { places: 20, most: 20 })).items) {
      const run = { batchId: batch.id, index, feed, token: 'killed' }
      await ledger.take(run, { keepsTime: false })
      await ledger.take({ ...run, token: 'other' }, { keepsTime: false })
    }
    const { events } = await engine.insight.timeline(batch.id)
    expect(events.filter(({ type }) => type === 'worker_lost')).toHaveLength(1)
  })

  test('keeps 200 events and 300 samples, spread over the whole time, however long the batch takes', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
    const k = sluice.keys.batch(batch.id)
    for (let i = 0; i < 250; i += 1) await noteEvent(sluice.redis, k, 'changed', `priority: ${i}`)
    const from = Date.now()
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      for (let s = 0; s < 3_600; s += 1) {
        vi.setSystemTime(from + s * 1_000)
        await noteSample(sluice.redis, k, 12.345)
      }
    } finally {
      vi.useRealTimers()
    }
    const { events, samples } = await readTimeline(sluice.redis, k)
    expect(events).toHaveLength(200)
    expect(events.at(-1)).toMatchObject({ type: 'changed', message: 'priority: 249' })
    expect(samples.length).toBeLessThan(300)
    expect(samples.length).toBeGreaterThan(140)
    expect(samples[0]?.at).toBe(from)
    expect(samples[0]?.limitPerS).toBe(12.35)
    const gaps = samples.slice(1).map(({ at }, i) => at - samples[i]!.at)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(32_000)
    expect(await sluice.redis.memory('USAGE', k.samples, 'SAMPLES', 0)).toBeLessThan(16_000)
  })

  test('is removed with its batch, and not written again', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
    await engine.batches.cancel(batch.id)
    await engine.batches.delete(batch.id)
    const k = sluice.keys.batch(batch.id)
    await noteEvent(sluice.redis, k, 'changed', 'late')
    await noteSample(sluice.redis, k, null)
    expect(await sluice.redis.keys(`${sluice.prefix}:{${batch.id}}:*`)).toEqual([])
  })
})
