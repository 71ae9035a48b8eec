import type { Outcome } from '@sluice/contract/outcome'
import { createLedger } from '@sluice/engine/ledger/ledger'
import { noCost } from '@sluice/engine/ledger/run'
import { describe, expect, test } from 'vitest'
import { broken, extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

const invalid = (...errors: string[]): Outcome => ({ type: 'invalid-output', errors })
const once = { ...inline, reasks: 0 }

describe('the failures of a batch', () => {
  test('are grouped by type, field and message, each with a sample', async () => {
    const sluice = testSluice({ retry: { unavailable: 1, baseMs: 1 } })
    const engine = await sluice.engine()
    await sluice.worker(({ text }) => {
      const index = Number(text.slice(5))
      if (index < 3) return invalid(`/lines/${index}/kind: must be string; got ${index}`, '/x: must be string; got 1')
      if (index < 5) return { type: 'refused', message: `I cannot do "${text}".` }
      return index < 6 ? broken() : extracted({})
    })
    const { batch } = await engine.batches.create({ extractor: once, options }, texts(10))
    await readAll(engine, batch.id)
    const { data, other_count } = await engine.insight.failures(batch.id)
    expect(other_count).toBe(0)
    expect(data).toMatchObject([
      { type: 'invalid_output', path: '/lines/*/kind', message: 'must be string', count: 3 },
      { type: 'refused', path: null, message: 'I cannot do "…".', count: 2 },
      {
        type: 'unavailable',
        path: null,
        message: 'HTTP 500',
        count: 1,
        sample: { index: 5, id: '5', message: 'HTTP 500' },
      },
    ])
    await expect(engine.insight.failures('batch_none')).rejects.toMatchObject({ code: 'batch_not_found' })
  })

  test('are retried by group, after a dry run that changes nothing; what fails again is counted again', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let message = 'no'
    await sluice.worker(({ text }) => {
      const index = Number(text.slice(5))
      if (index < 4) return { type: 'refused', message }
      return index < 7 ? { type: 'filtered', message: 'filter' } : extracted({})
    })
    const { batch } = await engine.batches.create({ extractor: once, options }, texts(8))
    await readAll(engine, batch.id)
    const before = await engine.insight.failures(batch.id)
    const refused = before.data.find(({ type }) => type === 'refused')!
    const preview = await engine.batches.previewRetry(batch.id, { error_group: refused.id })
    expect(preview).toMatchObject({ count: 4, sampled: 4, texts: ['text 0', 'text 1', 'text 2', 'text 3'] })
    expect((await engine.batches.previewRetry(batch.id, { error_type: 'filtered' })).count).toBe(3)
    expect((await engine.batches.previewRetry(batch.id, { items: ['1', '5', '7'] })).count).toBe(2)
    expect(await engine.insight.failures(batch.id)).toEqual(before)

    message = 'still no'
    expect(await engine.batches.retry(batch.id, { error_group: refused.id })).toBe(4)
    await readAll(engine, batch.id)
    const after = await engine.insight.failures(batch.id)
    expect(after.data.map(({ message, count }) => [message, count])).toEqual([
      ['still no', 4],
      ['filter', 3],
    ])
    expect(await engine.batches.retry(batch.id, { error_group: refused.id })).toBe(0)
  })

  test('have at most 100 groups, and every failure is in one of them or counted as another', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const word = (index: number) => Array.from(String(index), (digit) => 'abcdefghij'[Number(digit)]).join('')
    let healthy = false
    await sluice.worker(
      ({ text }) => (healthy ? extracted({}) : { type: 'refused', message: word(Number(text.slice(5))) }),
      {
        concurrency: 50,
      },
    )
    const { batch } = await engine.batches.create({ extractor: once, options }, texts(300))
    await readAll(engine, batch.id)
    const { data, other_count } = await engine.insight.failures(batch.id)
    expect(data).toHaveLength(100)
    expect(other_count).toBe(200)
    // The type says nothing about those without a group: they are read.
    expect((await engine.batches.previewRetry(batch.id, { error_type: 'refused' })).count).toBe(300)
    expect(await engine.batches.retry(batch.id, { error_group: data[0]!.id })).toBe(1)
    healthy = true
    await engine.batches.retry(batch.id, {})
    await readAll(engine, batch.id)
    expect(await engine.insight.failures(batch.id)).toMatchObject({ data: [], other_count: 0 })
    expect(await sluice.redis.hgetall(sluice.keys.batch(batch.id).groups)).toEqual({ size: '0' })
  })

  test('are counted once, however often a worker sends the record, and by the run that holds the item', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
    const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
    const [fed] = (await ledger.feed(batch.id, { places: 1, most: 1 })).items
    const run = { batchId: batch.id, index: 0, feed: fed!.feed, token: 'dies' }
    const other = { ...run, token: 'lives' }
    await ledger.take(run, { keepsTime: false })
    await ledger.take(other, { keepsTime: false })
    const failed = { error: { type: 'refused', message: 'no' } } as const
    expect(await ledger.record(run, 'failed', failed, noCost, 'settled')).toBe('stale')
    expect(await ledger.record(other, 'failed', failed, noCost, 'settled')).toBe('recorded')
    expect(await ledger.record(other, 'failed', failed, noCost, 'settled')).toBe('stale')
    expect((await engine.insight.failures(batch.id)).data).toMatchObject([{ count: 1, sample: { index: 0 } }])
    // A retry whose answer was lost is sent again.
    expect(await ledger.retry(batch.id, [0])).toBe(1)
    expect(await ledger.retry(batch.id, [0])).toBe(0)
    expect(await engine.insight.failures(batch.id)).toMatchObject({ data: [], other_count: 0 })
  })

  test('lose their sample when it is retried, and get the next one', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(() => ({ type: 'refused', message: 'no' }), { concurrency: 1 })
    const { batch } = await engine.batches.create({ extractor: once, options }, texts(3))
    await readAll(engine, batch.id)
    const [group] = (await engine.insight.failures(batch.id)).data
    await engine.batches.pause(batch.id).catch(() => {})
    const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
    await ledger.retry(batch.id, [group!.sample!.index])
    expect((await engine.insight.failures(batch.id)).data).toMatchObject([{ count: 2, sample: null }])
  })

  test('take nothing of Redis in a batch without any', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(() => extracted({}))
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(20))
    await readAll(engine, batch.id)
    const { groups, grouped, attempts, failed } = sluice.keys.batch(batch.id)
    expect(await sluice.redis.exists(groups, grouped, attempts, failed)).toBe(0)
  })
})
