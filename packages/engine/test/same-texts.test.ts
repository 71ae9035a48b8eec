import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch, BatchOptions } from '@sluice/contract/batch'
import type { Result } from '@sluice/contract/result'
import { describe, expect, test } from 'vitest'
import { createLedger } from '@sluice/engine/ledger/ledger'
import { noCost } from '@sluice/engine/ledger/run'
import { hashText } from '@sluice/engine/items/take-item'
import { extracted, inline, options, readAll, testSluice } from './harness.ts'

const once: BatchOptions = { ...options, deduplicate: true }

/** `count` items that share `texts` texts in turn. */
function repeating(items: number, different: number) {
  return Array.from({ length: items }, (_, i) => ({ id: `row-${i}`, text: `text ${i % different}`, metadata: { i } }))
}

function expectCountsToAddUp({ counts: { total, ...parts } }: Batch): void {
  expect(Object.values(parts).reduce((sum, one) => sum + one, 0)).toBe(total)
}

/** Every item has the answer to its own text, under its own id, and names the item whose answer it is if that is another one. */
function expectOwnAnswers(results: readonly Result[], different: number): void {
  for (const { index, id, metadata, data, attempts, usage, duplicate_of: other } of results) {
    expect({ id, metadata, data }).toEqual({
      id: `row-${index}`,
      metadata: { i: index },
      data: { text: `text ${index % different}` },
    })
    if (other === undefined) expect(attempts).toBe(1)
    else {
      expect({ attempts, usage }).toEqual({ attempts: 0, usage: { input_tokens: 0, output_tokens: 0 } })
      expect(other).not.toBe(index)
      expect(other % different).toBe(index % different)
      expect(results[other]?.duplicate_of).toBeUndefined()
    }
  }
}

describe('the same text in a batch', () => {
  test("is paid once and answered for every item, whether it comes before, during or after the first one's call", async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const calls: string[] = []
    await sluice.worker(async ({ text }) => {
      calls.push(text)
      await sleep(30)
      return extracted({ text })
    })
    const { batch } = await engine.batches.create({ extractor: inline, options: once }, repeating(300, 40))
    const results = await readAll(engine, batch.id)
    expect(calls.sort()).toEqual([...new Set(calls)])
    expect(calls).toHaveLength(40)
    expectOwnAnswers(results, 40)
    expect(results.filter((one) => one.duplicate_of !== undefined)).toHaveLength(260)
    const ended = await engine.batches.get(batch.id)
    expect(ended).toMatchObject({
      status: 'completed',
      counts: { total: 300, succeeded: 300, waiting: 0 },
      usage: { calls: 40, deduplicated: 260, cached: 0, repeated_calls: 0 },
    })
  })

  test('blocks nothing in a batch with one call in flight at a time, also after a pause', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let calls = 0
    await sluice.worker(async ({ text }) => {
      calls += 1
      await sleep(20)
      return extracted({ text })
    })
    const { batch } = await engine.batches.create(
      { extractor: inline, options: { ...once, concurrency: 1 } },
      repeating(60, 5),
    )
    await expect.poll(() => calls, { interval: 5 }).toBeGreaterThan(1)
    const paused = await engine.batches.pause(batch.id)
    expectCountsToAddUp(paused)
    await sleep(100)
    await engine.batches.resume(batch.id)
    expectOwnAnswers(await readAll(engine, batch.id), 5)
    expect(calls).toBe(5)
  })

  test('is sent for each item, all at once, after the first one failed, and not again after one succeeded', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let refusing = true
    let inFlight = 0
    let most = 0
    let calls = 0
    await sluice.worker(
      async ({ text }) => {
        calls += 1
        inFlight += 1
        most = Math.max(most, inFlight)
        await sleep(50)
        inFlight -= 1
        return refusing ? { type: 'refused', message: 'no' } : extracted({ text })
      },
      { concurrency: 20 },
    )
    const { batch } = await engine.batches.create({ extractor: inline, options: once }, repeating(20, 1))
    const failed = await readAll(engine, batch.id)
    expect(failed.map(({ status }) => status)).toEqual(Array(20).fill('failed'))
    expect(calls).toBe(20)
    expect(most).toBeGreaterThan(4)

    refusing = false
    const [first, ...others] = failed.map(({ id }) => id) as [string, ...string[]]
    await engine.batches.retry(batch.id, { items: [first] })
    await readAll(engine, batch.id)
    expect(await engine.batches.retry(batch.id, { items: others })).toBe(19)
    expectOwnAnswers(await readAll(engine, batch.id), 1)
    expect(calls).toBe(21)
  })

  test('is answered for every item even if the worker that made the call dies', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options: once }, repeating(3, 1))
    const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
    const fed = (await ledger.feed(batch.id, { places: 10, most: 10 })).items
    const textHash = hashText('text 0')
    const run = (index: number, token: string) => ({ batchId: batch.id, index, feed: fed[index]!.feed, token })
    const expected = { inputNanoUsd: 0, outputTokenNanoUsd: 0, mostOutputTokens: null }
    await ledger.take(run(0, 'dies'), { keepsTime: false, textHash })
    await ledger.openCall(run(0, 'dies'), expected)
    for (const index of [1, 2])
      expect(await ledger.take(run(index, 'twin'), { keepsTime: false, textHash })).toEqual({ type: 'parked' })
    expectCountsToAddUp(await engine.batches.get(batch.id))
    // Another worker takes the item; the items that wait for it are fed again when it is done.
    expect(await ledger.take(run(0, 'next'), { keepsTime: false, textHash })).toMatchObject({ type: 'taken' })
    expect((await ledger.feed(batch.id, { places: 10, most: 10 })).items).toEqual([])
    const result = { id: 'row-0', status: 'succeeded', data: { text: 'text 0' } }
    expect(await ledger.record(run(0, 'dies'), 'succeeded', result, noCost, 'settled', { textHash })).toBe('stale')
    expect(await ledger.record(run(0, 'next'), 'succeeded', result, noCost, 'settled', { textHash })).toBe('recorded')
    const again = (await ledger.feed(batch.id, { places: 10, most: 10 })).items
    expect(new Set(again.map(({ index }) => index))).toEqual(new Set([1, 2]))
    const twin = { ...run(1, 'again'), feed: again.find(({ index }) => index === 1)!.feed }
    expect(await ledger.take(twin, { keepsTime: false, textHash })).toMatchObject({ type: 'twin', index: 0 })
  })

  test('does not keep a cancelled batch from ending', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let calls = 0
    await sluice.worker(async (_request, { signal }) => {
      calls += 1
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      return extracted({})
    })
    const { batch } = await engine.batches.create({ extractor: inline, options: once }, repeating(30, 2))
    await expect.poll(() => calls).toBe(2)
    await sleep(100)
    await engine.batches.cancel(batch.id)
    const results = await readAll(engine, batch.id)
    expect(results.map(({ status }) => status)).toEqual(Array(30).fill('cancelled'))
    const ended = await engine.batches.get(batch.id)
    expect(ended).toMatchObject({ status: 'cancelled', counts: { cancelled: 30 } })
    await engine.batches.delete(batch.id)
    expect((await sluice.redis.keys(`${sluice.prefix}:{${batch.id}}*`)).length).toBe(0)
  })

  test('is sent for each item, and its hash is not stored, unless the batch asks for it', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let calls = 0
    await sluice.worker(({ text }) => {
      calls += 1
      return extracted({ text })
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, repeating(10, 1))
    await readAll(engine, batch.id)
    expect(calls).toBe(10)
    const { twins, parked } = sluice.keys.batch(batch.id)
    expect(await sluice.redis.exists(twins, parked)).toBe(0)
  })
})

test('the same long text, sent in parts, is sent once, within its batch and across batches', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const halves = [
    { start: 0, end: 3 },
    { start: 3, end: 6 },
  ]
  const asked: string[] = []
  await sluice.worker(
    ({ text }) => {
      asked.push(text)
      return extracted({ text })
    },
    {
      longTexts: { cut: async () => halves, join: (_, data) => ({ valid: true, data, sources: { '/0': 0, '/1': 1 } }) },
    },
  )
  const answered = async () => {
    const long = { ...once, cache_s: 60 }
    const { batch } = await engine.batches.create({ extractor: inline, options: long }, repeating(3, 1))
    const results = await readAll(engine, batch.id)
    for (const { data, parts } of results)
      expect({ data, parts }).toEqual({
        data: [{ text: 'tex' }, { text: 't 0' }],
        parts: { ranges: halves, sources: { '/0': 0, '/1': 1 } },
      })
    return (await engine.batches.get(batch.id)).usage
  }
  expect(await answered()).toMatchObject({ calls: 2, deduplicated: 2, cached: 0 })
  expect(await answered()).toMatchObject({ calls: 0, deduplicated: 2, cached: 1 })
  expect(asked).toEqual(['tex', 't 0'])
})

describe('stored answers', () => {
  const cached: BatchOptions = { ...options, cache_s: 60 }

  test('are used by other batches for the same text with the same recipe only, and the results say so', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let calls = 0
    await sluice.worker(({ text }) => {
      calls += 1
      return extracted({ text })
    })
    const run = async (extractor: typeof inline, batchOptions: BatchOptions, items = repeating(5, 5)) => {
      calls = 0
      const { batch } = await engine.batches.create({ extractor, options: batchOptions }, items)
      const results = await readAll(engine, batch.id)
      expect(results.map(({ data }) => data)).toEqual(items.map(({ text }) => ({ text })))
      const cached = results.filter((one) => one.cached === true)
      expect(cached.every(({ attempts }) => attempts === 0)).toBe(true)
      const { usage } = await engine.batches.get(batch.id)
      expect(usage).toMatchObject({ calls, cached: cached.length })
      return calls
    }
    // A batch without `cache_s` neither stores answers nor uses them.
    expect(await run(inline, options)).toBe(5)
    expect(await run(inline, cached)).toBe(5)
    expect(await run(inline, options)).toBe(5)
    expect(await run(inline, cached)).toBe(0)
    expect(await run(inline, cached, repeating(7, 7))).toBe(2)
    // Another schema, instructions, model or parameters.
    expect(await run({ ...inline, instructions: 'Shout.' }, cached)).toBe(5)
    expect(await run({ ...inline, schema: { type: 'object', title: 'other' } }, cached)).toBe(5)
    expect(await run({ ...inline, parameters: { model: 'other' } }, cached)).toBe(5)
    expect(await run({ ...inline, parameters: { temperature: 1 } }, cached)).toBe(5)
    // The lane's own model by name is the same model; the name of the extractor does not matter.
    expect(await run({ ...inline, name: 'named', version: 3, parameters: { model: 'test' } }, cached)).toBe(0)
    // Both: a text that comes again is looked up once.
    expect(await run(inline, { ...cached, deduplicate: true }, repeating(20, 10))).toBe(3)
  })

  test('expire after the `cache_s` of their batch, and no batch uses one that is older than its own', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let calls = 0
    await sluice.worker(({ text }) => {
      calls += 1
      return extracted({ text })
    })
    const run = async (cacheS: number) => {
      const { batch } = await engine.batches.create(
        { extractor: inline, options: { ...options, cache_s: cacheS } },
        repeating(1, 1),
      )
      await readAll(engine, batch.id)
    }
    await run(3)
    await sleep(500)
    await run(0.4)
    expect(calls).toBe(2)
    // The second batch's answer replaced the first one's, and expires after the second batch's `cache_s`.
    await sleep(500)
    await run(60)
    expect(calls).toBe(3)
    await run(60)
    expect(calls).toBe(3)
    const kept = await sluice.redis.keys(`${sluice.prefix}:answer:*`)
    expect(kept).toHaveLength(1)
    expect(await sluice.redis.pttl(kept[0]!)).toBeGreaterThan(50_000)
  })
})
