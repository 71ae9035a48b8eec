import type { BatchItem, ListItemsQuery } from '@sluice/contract/batch-item'
import type { Engine } from '@sluice/engine/engine'
import { describe, expect, test } from 'vitest'
import { broken, extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

const listed = async (engine: Engine, id: string, query: Partial<ListItemsQuery> = {}) =>
  engine.insight.items(id, { limit: 50, ...query })
const indexes = (rows: readonly BatchItem[]) => rows.map(({ index }) => index)

/** All pages of a list, one after the other. */
async function allPages(engine: Engine, id: string, query: Partial<ListItemsQuery>) {
  const pages: number[][] = []
  for (let next: string | null = '-1'; next !== null;) {
    const page = await listed(engine, id, { ...query, after: Number(next) })
    pages.push(indexes(page.data))
    next = page.next
  }
  return pages
}

describe('the items of a batch', () => {
  test('are listed in their order, from any place, in both directions', async () => {
    const engine = await testSluice().engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(200))
    const first = await listed(engine, batch.id, { limit: 3 })
    expect(first).toMatchObject({
      has_more: true,
      next: '2',
      data: [
        { index: 0, id: '0', status: 'waiting', error: null, text: 'text 0', attempts: 0, cost_usd: null },
        { index: 1 },
        { index: 2 },
      ],
    })
    expect(indexes((await listed(engine, batch.id, { limit: 3, after: 2 })).data)).toEqual([3, 4, 5])
    expect(indexes((await listed(engine, batch.id, { limit: 3, from: 128 })).data)).toEqual([128, 129, 130])
    const last = await listed(engine, batch.id, { limit: 3, from: 198 })
    expect([indexes(last.data), last.next]).toEqual([[198, 199], null])
    const back = await listed(engine, batch.id, { limit: 3, before: 130 })
    expect([indexes(back.data), back.next]).toEqual([[127, 128, 129], '127'])
    const start = await listed(engine, batch.id, { limit: 10, before: 2 })
    expect([indexes(start.data), start.next]).toEqual([[0, 1], null])
    expect(await listed(engine, batch.id, { from: 5_000 })).toMatchObject({ data: [], next: null })
    await expect(listed(engine, 'batch_none')).rejects.toMatchObject({ code: 'batch_not_found' })
  })

  test('are found by status, error, id and text', async () => {
    const sluice = testSluice({ retry: { unavailable: 1, baseMs: 1 } })
    const engine = await sluice.engine()
    await sluice.worker(({ text }) => {
      if (text.includes('bad')) return { type: 'refused', message: 'no' }
      return text.includes('down') ? broken() : extracted({})
    })
    const items = Array.from({ length: 150 }, (_, i) => ({
      id: `row-${i}`,
      text: i % 50 === 7 ? `bad ${i}` : i === 20 ? 'down' : `Größe ${i}`,
    }))
    const { batch } = await engine.batches.create({ extractor: inline, options }, items)
    await readAll(engine, batch.id)
    const found = async (query: Partial<ListItemsQuery>) => indexes((await listed(engine, batch.id, query)).data)
    expect(await found({ status: 'failed' })).toEqual([7, 20, 57, 107])
    expect(await found({ status: 'failed', before: 100, limit: 2 })).toEqual([20, 57])
    expect(await found({ error_type: 'refused' })).toEqual([7, 57, 107])
    const [group] = (await engine.insight.failures(batch.id)).data
    expect(await found({ error_group: group!.id })).toEqual([7, 57, 107])
    expect(await found({ error_group: group!.id, search: 'ROW-5' })).toEqual([57])
    expect(await found({ search: 'GRÖSSE 149' })).toEqual([])
    expect(await found({ search: 'GRÖßE 149' })).toEqual([149])
    expect(await found({ search: 'row-12' })).toEqual([12, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129])
    expect(await found({ status: 'succeeded', from: 6, limit: 2 })).toEqual([6, 8])
    for (const status of ['waiting', 'running', 'cancelled'] as const) {
      expect(await listed(engine, batch.id, { status })).toMatchObject({ data: [], next: null })
    }
  })

  test('are found where most of a large batch failed', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(30_000))
    const { redis, keys } = sluice
    const k = keys.batch(batch.id)
    const failed = Array.from({ length: 6_000 }, (_, i) => 4 * i + 4_000)
    await redis.sadd(k.failed, ...failed)
    const stored = { status: 'failed', error: { type: 'refused', message: 'no' }, attempts: 1 }
    await redis.hset(k.results, ...failed.flatMap((index, i) => [index, `${i}|${JSON.stringify(stored)}`]))
    await redis.hset(k.meta, { failed: failed.length })
    const pages = await allPages(engine, batch.id, { status: 'failed', limit: 500 })
    expect(pages.flat()).toEqual(failed)
    const down = await listed(engine, batch.id, { status: 'failed', before: 4_012 })
    expect(indexes(down.data)).toEqual([4_000, 4_004, 4_008])
  })

  test('are shown as running, waiting and cancelled', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(
      async (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      {
        concurrency: 2,
      },
    )
    const { batch } = await engine.batches.create(
      { extractor: inline, options: { ...options, concurrency: 2 } },
      texts(5),
    )
    await expect.poll(async () => indexes((await listed(engine, batch.id, { status: 'running' })).data)).toEqual([0, 1])
    expect(indexes((await listed(engine, batch.id, { status: 'waiting' })).data)).toEqual([2, 3, 4])
    await engine.batches.cancel(batch.id)
    await expect.poll(async () => (await engine.batches.get(batch.id)).status).toBe('cancelled')
    expect(indexes((await listed(engine, batch.id, { status: 'cancelled' })).data)).toEqual([0, 1, 2, 3, 4])
  })

  test('do bounded work for a request that finds nothing, and its pages go through the whole batch', async () => {
    const engine = await testSluice().engine()
    const long = 'x'.repeat(2_000)
    const items = Array.from({ length: 12_000 }, (_, i) => ({
      id: String(i),
      text: i === 11_999 ? 'needle' : `${long}${i}`,
    }))
    const { batch } = await engine.batches.create({ extractor: inline, options }, items)
    const pages = await allPages(engine, batch.id, { search: 'needle' })
    expect(pages.flat()).toEqual([11_999])
    expect(pages.length).toBeGreaterThan(2)
    const huge = Array.from({ length: 6 }, (_, i) => ({ id: `h${i}`, text: String(i).repeat(3_000_000) }))
    const large = await engine.batches.create({ extractor: inline, options }, huge)
    expect((await allPages(engine, large.batch.id, {})).map((page) => page.length)).toEqual([3, 3])
    expect((await allPages(engine, large.batch.id, { search: 'none' })).length).toBe(2)
  })
})

describe('an item', () => {
  test('shows each of its calls, and what was asked again and why', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let call = 0
    await sluice.worker(() => {
      call += 1
      const outcome =
        call < 3 ? { type: 'invalid-output' as const, errors: [`/a${call}: must be string`] } : extracted({ a: 'x' })
      const raw = call < 3 ? `answer ${call}` : '{"a":"x"}'
      return {
        outcome: outcome.type === 'extracted' ? outcome : { ...outcome },
        usage: { input_tokens: 10, output_tokens: call },
        cachedInputTokens: 0,
        raw,
        limits: null,
        latencyMs: 12.4,
      }
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, [
      { id: 'one', text: 'a text', metadata: { page: 3 } },
    ])
    await readAll(engine, batch.id)
    const item = await engine.insight.item(batch.id, 0)
    expect(item).toMatchObject({
      index: 0,
      id: 'one',
      text: 'a text',
      metadata: { page: 3 },
      status: 'succeeded',
      result: { data: { a: 'x' }, attempts: 3 },
      attempts: [
        {
          outcome: 'invalid-output',
          reason: '/a1: must be string',
          raw: 'answer 1',
          latency_ms: 12,
          usage: { output_tokens: 1 },
        },
        { outcome: 'invalid-output', reason: '/a2: must be string', raw: 'answer 2' },
        { outcome: 'extracted', reason: null, raw: null },
      ],
    })
    expect(item.attempts.every(({ at }) => Math.abs(at! - Date.now() / 1_000) < 60)).toBe(true)
    await expect(engine.insight.item(batch.id, 1)).rejects.toMatchObject({ code: 'item_not_found' })
  })

  test('that failed shows its last answer; one that was answered at once shows one call', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const long = 'y'.repeat(30_000)
    await sluice.worker(({ text, reasks }) => {
      if (text === 'text 1') return extracted({})
      const outcome = { type: 'invalid-output' as const, errors: [`/x${'abcdefghijk'[reasks.length]}: must be string`] }
      return {
        outcome,
        usage: { input_tokens: 1, output_tokens: 1 },
        cachedInputTokens: 0,
        raw: `${reasks.length}${long}`,
        limits: null,
        latencyMs: 1,
      }
    })
    const { batch } = await engine.batches.create({ extractor: { ...inline, reasks: 10 }, options }, texts(2))
    await readAll(engine, batch.id)
    const failed = await engine.insight.item(batch.id, 0)
    expect(failed.attempts).toHaveLength(11)
    expect(failed.attempts.at(-1)?.raw).toBe(`10${long}`.slice(0, 4_000))
    expect(failed.attempts.every(({ reason }) => reason !== null)).toBe(true)
    const stored = await sluice.redis.hget(sluice.keys.batch(batch.id).attempts, '0')
    expect(stored!.length).toBeLessThan(16_384)
    const good = await engine.insight.item(batch.id, 1)
    expect(good.attempts).toMatchObject([{ at: null, outcome: 'extracted', reason: null, raw: null }])
    expect(await sluice.redis.hexists(sluice.keys.batch(batch.id).attempts, '1')).toBe(0)
  })
})
