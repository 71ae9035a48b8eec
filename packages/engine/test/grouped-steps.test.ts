import { createItemSource } from '@sluice/engine/batches/item-reader'
import { createLedger, noExpectedCost } from '@sluice/engine/ledger/ledger'
import { noCost, noTries, type Run } from '@sluice/engine/ledger/run'
import { expect, test, vi } from 'vitest'
import { inline, options, testSluice, texts } from './harness.ts'

const cost = { ...noCost, paidCalls: 1, usage: { input_tokens: 10, output_tokens: 5 }, nanoUsd: 700 }
const result = { status: 'succeeded', data: {}, usage: cost.usage, attempts: 1 }
const failure = { ...result, status: 'failed', error: { type: 'refused', message: 'No.' } }

/** `count` items in the window, and the scripts that the ledger runs from here on. */
async function fedItems(count: number, batchOptions: Partial<typeof options> = {}, items = texts(count)) {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ extractor: inline, options: { ...options, ...batchOptions } }, items)
  const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
  const fed = (await ledger.feed(batch.id, { places: count, most: count })).items
  const runs = fed.map(({ index, feed }): Run => ({ batchId: batch.id, index, feed, token: `worker:${index}` }))
  const scripts = vi.spyOn(sluice.redis, 'evalsha')
  const k = sluice.keys.batch(batch.id)
  const counts = async () => (await engine.batches.get(batch.id)).counts
  return { ...sluice, engine, batch, ledger, runs, scripts, k, counts }
}

test('the steps of items that arrive together are one script each, and count as if they had come one by one', async () => {
  const { redis, ledger, runs, scripts, k, counts, engine, batch } = await fedItems(60)
  const taken = await Promise.all(runs.map((run) => ledger.take(run, { keepsTime: false })))
  expect(new Set(taken.map(({ type }) => type))).toEqual(new Set(['taken']))
  const opened = await Promise.all(runs.map((run) => ledger.openCall(run, { ...noExpectedCost, inputNanoUsd: 1_000 })))
  expect(new Set(opened)).toEqual(new Set(['opened']))
  expect(await redis.hget(k.meta, 'expected_nano_usd')).toBe('60000')
  const recorded = await Promise.all(
    runs.map((run, i) =>
      i % 3 === 0
        ? ledger.record(run, 'failed', failure, cost, 'unsettled')
        : ledger.record(run, 'succeeded', result, cost, 'settled'),
    ),
  )
  expect(new Set(recorded)).toEqual(new Set(['recorded']))
  expect(scripts).toHaveBeenCalledTimes(3)
  expect(await counts()).toMatchObject({ succeeded: 40, failed: 20, running: 0, waiting: 0 })
  expect((await engine.batches.get(batch.id)).usage).toMatchObject({ calls: 60, input_tokens: 600, output_tokens: 300 })
  expect(await redis.lrange(k.done, 0, -1)).toEqual(runs.map(({ index }) => String(index)))
  // Calls whose end is not known stay counted.
  expect(await redis.hget(k.meta, 'expected_nano_usd')).toBe('20000')
  for (const key of [k.open, k.runs, k.calls, k.unsettled, k.tries]) expect(await redis.exists(key)).toBe(0)
})

test('of two runs of one item that arrive together, the last one holds it, and one result is recorded and both costs', async () => {
  const { ledger, runs, counts, engine, batch } = await fedItems(2)
  const [first, other] = runs as [Run, Run]
  await ledger.take(first, { keepsTime: false })
  await ledger.openCall(first, noExpectedCost)
  const second = { ...first, token: 'worker:second' }
  const taken = await Promise.all([first, other, second].map((run) => ledger.take(run, { keepsTime: false })))
  expect(taken).toMatchObject([{ lostRuns: 0 }, { lostRuns: 0 }, { lostRuns: 1 }])
  expect(await Promise.all([first, other, second].map((run) => ledger.openCall(run, noExpectedCost)))).toEqual([
    'stale',
    'opened',
    'repeated',
  ])
  const all = [first, second, other, second].map((run) => ledger.record(run, 'succeeded', result, cost, 'settled'))
  expect(await Promise.all(all)).toEqual(['stale', 'recorded', 'recorded', 'stale'])
  expect(await counts()).toMatchObject({ succeeded: 2, failed: 0 })
  expect((await engine.batches.get(batch.id)).usage).toMatchObject({ calls: 3, repeated_calls: 1 })
})

test('calls that are opened together keep the cap on the cost', async () => {
  const { redis, ledger, runs, k } = await fedItems(20)
  await redis.hset(k.meta, 'max_cost_nano_usd', 7_500)
  await Promise.all(runs.map((run) => ledger.take(run, { keepsTime: false })))
  const opened = await Promise.all(runs.map((run) => ledger.openCall(run, { ...noExpectedCost, inputNanoUsd: 1_000 })))
  expect(opened.filter((one) => one === 'opened')).toHaveLength(7)
  expect(opened.filter((one) => one === 'over-cost')).toHaveLength(13)
  expect(await redis.hlen(k.calls)).toBe(7)
})

test('of items with the same text that are taken together one makes the call, and the others get its answer', async () => {
  const same = Array.from({ length: 12 }, (_, i) => ({ id: String(i), text: 'the same' }))
  const { redis, k, ledger, runs, counts, batch } = await fedItems(12, { deduplicate: true }, same)
  const take = (all: readonly Run[]) =>
    Promise.all(all.map((run) => ledger.take(run, { keepsTime: false, textHash: 'hash' })))
  const taken = await take(runs)
  expect(taken.map(({ type }) => type)).toEqual(['taken', ...Array.from({ length: 11 }, () => 'parked')])
  await ledger.openCall(runs[0]!, noExpectedCost)
  await ledger.record(runs[0]!, 'succeeded', result, cost, 'settled', { textHash: 'hash' })
  const { items } = await ledger.feed(batch.id, { places: 12, most: 12 })
  const back = items.map(({ index, feed }) => ({ batchId: batch.id, index, feed, token: `again:${index}` }))
  expect(back).toHaveLength(11)
  expect((await take(back)).map(({ type }) => type)).toEqual(Array.from({ length: 11 }, () => 'twin'))
  const deduplicated = { withoutCall: 'deduplicated' as const }
  await Promise.all(back.map((run) => ledger.record(run, 'succeeded', result, noCost, 'settled', deduplicated)))
  expect(await counts()).toMatchObject({ succeeded: 12 })
  expect(await redis.hget(k.meta, 'deduplicated')).toBe('11')
})

test('a call that is given up while it is being opened does not stay open', async () => {
  const { redis, ledger, runs, k } = await fedItems(2)
  const [busy, run] = runs as [Run, Run]
  await Promise.all([busy, run].map((one) => ledger.take(one, { keepsTime: false })))
  const opening = [ledger.openCall(busy, noExpectedCost)]
  await Promise.resolve()
  // It waits for the one before.
  opening.push(ledger.openCall(run, noExpectedCost))
  expect(await ledger.closeCall(run, noTries, noCost, 'settled')).toBe('closed')
  await Promise.all(opening)
  expect(await redis.hkeys(k.calls)).toEqual([String(busy.index)])
})

test('a block that many items need at once is read once', async () => {
  const { redis, keys, batch } = await fedItems(200)
  const source = createItemSource({ redis, keys })
  const reads = vi.spyOn(redis, 'xrangeBuffer')
  const items = await Promise.all(Array.from({ length: 200 }, async (_, index) => source.get(batch.id, index)))
  expect(items.map((item) => item?.text)).toEqual(texts(200).map(({ text }) => text))
  expect(reads).toHaveBeenCalledTimes(4)
})
