import { describe, expect, test } from 'vitest'
import { createLedger, noExpectedCost } from '@sluice/engine/ledger/ledger'
import { noCost, noTries, type Run } from '@sluice/engine/ledger/run'
import { inline, options, testSluice, texts } from './harness.ts'

const cost = { ...noCost, paidCalls: 1, usage: { input_tokens: 10, output_tokens: 5 }, nanoUsd: 700 }
const expected = { ...noExpectedCost, inputNanoUsd: 1_000 }
const result = { status: 'succeeded', data: {}, usage: cost.usage, attempts: 1 }

async function fedItem() {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
  const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
  const [fed] = (await ledger.feed(batch.id, { places: 10, most: 10 })).items
  const run = (token: string, call?: number): Run => ({
    batchId: batch.id,
    index: fed!.index,
    feed: fed!.feed,
    token,
    ...(call === undefined ? {} : { call: `${token}.${call}` }),
  })
  const counted = async () => {
    const [calls, nanoUsd, pending] = await sluice.redis.hmget(
      sluice.keys.batch(batch.id).meta,
      'calls',
      'cost_nano_usd',
      'expected_nano_usd',
    )
    return { calls: Number(calls), nanoUsd: Number(nanoUsd), pending: Number(pending) }
  }
  return { ledger, run, counted }
}

describe('what a call cost', () => {
  test('is counted once when its end is sent again because the reply was lost, and the next call counts, too', async () => {
    const { ledger, run, counted } = await fedItem()
    await ledger.take(run('a'), { keepsTime: false })
    await ledger.openCall(run('a', 1), expected)
    for (let sent = 0; sent < 3; sent += 1)
      expect(await ledger.closeCall(run('a', 1), noTries, cost, 'settled')).toBe('closed')
    expect(await counted()).toEqual({ calls: 1, nanoUsd: 700, pending: 0 })
    await ledger.openCall(run('a', 2), expected)
    // Late, of the first call: it must not end the second one.
    await ledger.closeCall(run('a', 1), noTries, cost, 'settled')
    expect(await counted()).toEqual({ calls: 1, nanoUsd: 700, pending: 1_000 })
    expect(await ledger.record(run('a', 2), 'succeeded', result, cost, 'settled')).toBe('recorded')
    for (let sent = 0; sent < 2; sent += 1)
      expect(await ledger.record(run('a', 2), 'succeeded', result, cost, 'settled')).toBe('stale')
    expect(await counted()).toEqual({ calls: 2, nanoUsd: 1_400, pending: 0 })
  })

  test('is counted once when another run took the item, whether its call ends before or after that of the other', async () => {
    const { ledger, run, counted } = await fedItem()
    await ledger.take(run('frozen'), { keepsTime: false })
    await ledger.openCall(run('frozen', 1), expected)
    await ledger.take(run('slow'), { keepsTime: false })
    await ledger.openCall(run('slow', 1), expected)
    await ledger.take(run('last'), { keepsTime: false })
    await ledger.openCall(run('last', 1), expected)
    for (let sent = 0; sent < 2; sent += 1)
      expect(await ledger.record(run('frozen', 1), 'succeeded', result, cost, 'settled')).toBe('stale')
    expect(await counted()).toEqual({ calls: 1, nanoUsd: 700, pending: 2_000 })
    expect(await ledger.record(run('last', 1), 'succeeded', result, cost, 'settled')).toBe('recorded')
    for (let sent = 0; sent < 2; sent += 1)
      expect(await ledger.closeCall(run('slow', 1), noTries, cost, 'settled')).toBe('stale')
    expect(await counted()).toEqual({ calls: 3, nanoUsd: 2_100, pending: 0 })
  })

  test('is not counted for a call that was given up before it was made', async () => {
    const { ledger, run, counted } = await fedItem()
    await ledger.take(run('a'), { keepsTime: false })
    await ledger.openCall(run('a', 1), expected)
    await ledger.closeCall(run('a', 1), noTries, noCost, 'settled')
    expect(await counted()).toEqual({ calls: 0, nanoUsd: 0, pending: 0 })
  })
})
