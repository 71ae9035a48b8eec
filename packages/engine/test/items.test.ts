import { setTimeout as sleep } from 'node:timers/promises'
import { ProcessEndedError } from '@sluice/contract/extract-function'
import type { Outcome } from '@sluice/contract/outcome'
import { describe, expect, test } from 'vitest'
import { createLedger, noExpectedCost } from '@sluice/engine/ledger/ledger'
import { noCost, noTries, type Run } from '@sluice/engine/ledger/run'
import { broken, extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

const cost = { ...noCost, paidCalls: 1, usage: { input_tokens: 10, output_tokens: 5 } }
const result = { status: 'succeeded', data: { n: 1 }, usage: cost.usage, attempts: 1 }

async function fedItem() {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
  const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
  const [fed] = (await ledger.feed(batch.id, { places: 10, most: 10 })).items
  const run = (token: string): Run => ({ batchId: batch.id, index: fed!.index, feed: fed!.feed, token })
  return { engine, ledger, batch, run }
}

describe('a result', () => {
  test('is recorded once, however often it is reported', async () => {
    const { engine, ledger, batch, run } = await fedItem()
    await ledger.take(run('a'), { keepsTime: false })
    await ledger.openCall(run('a'), noExpectedCost)
    expect(await ledger.record(run('a'), 'succeeded', result, cost, 'settled')).toBe('recorded')
    expect(await ledger.record(run('a'), 'failed', { ...result, status: 'failed' }, cost, 'settled')).toBe('stale')
    expect(await readAll(engine, batch.id)).toMatchObject([{ status: 'succeeded', data: { n: 1 } }])
    expect((await engine.batches.get(batch.id)).counts).toMatchObject({ succeeded: 1, failed: 0 })
  })

  test('from a run that no longer holds the item is not recorded, and that run may make no call, but its cost is counted', async () => {
    const { engine, ledger, batch, run } = await fedItem()
    await ledger.take(run('zombie'), { keepsTime: false })
    expect(await ledger.openCall(run('zombie'), noExpectedCost)).toBe('opened')
    await ledger.take(run('second'), { keepsTime: false })
    expect(await ledger.openCall(run('second'), noExpectedCost)).toBe('repeated')
    expect(await ledger.record(run('zombie'), 'succeeded', result, cost, 'settled')).toBe('stale')
    expect(await ledger.openCall(run('zombie'), noExpectedCost)).toBe('stale')
    expect(await ledger.record(run('second'), 'succeeded', { ...result, data: { n: 2 } }, cost, 'settled')).toBe(
      'recorded',
    )
    expect(await readAll(engine, batch.id)).toMatchObject([{ data: { n: 2 } }])
    // The second run did not know of the first run's call, so its own is a repeated call.
    expect((await engine.batches.get(batch.id)).usage).toMatchObject({ calls: 2, repeated_calls: 1 })
  })

  test('counts what an item used on an earlier worker', async () => {
    const { ledger, run } = await fedItem()
    await ledger.take(run('a'), { keepsTime: false })
    await ledger.openCall(run('a'), noExpectedCost)
    const tries = { ...noTries, calls: 1, unavailable: 1 }
    expect(await ledger.closeCall(run('a'), tries, noCost, 'settled')).toBe('closed')
    expect(await ledger.take(run('b'), { keepsTime: false })).toMatchObject({ type: 'taken', tries })
  })
})

describe('runs of an item that are lost with their process', () => {
  test('are counted when the next run takes it; runs that let go of it are not, and its result forgets them', async () => {
    const { ledger, run } = await fedItem()
    expect(await ledger.take(run('a'), { keepsTime: false })).toMatchObject({ lostRuns: 0 })
    expect(await ledger.take(run('b'), { keepsTime: false })).toMatchObject({ lostRuns: 1 })
    await ledger.letGo(run('b'), 'wait')
    expect(await ledger.take(run('c'), { keepsTime: false })).toMatchObject({ lostRuns: 1 })
    expect(await ledger.take(run('c'), { keepsTime: false })).toMatchObject({ lostRuns: 1 })
    expect(await ledger.take(run('d'), { keepsTime: false })).toMatchObject({ lostRuns: 2 })
    expect(await ledger.record(run('d'), 'succeeded', result, cost, 'settled')).toBe('recorded')
  })

  test('make it a suspect after the second: its call is isolated, and if that ends its process the item fails without another call', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
    await sluice.redis.hset(sluice.keys.batch(batch.id).tries, 'lost:0', 2)
    const isolated: unknown[] = []
    await sluice.worker((_, { isIsolated }) => {
      isolated.push(isIsolated)
      throw new ProcessEndedError('a separate process ended')
    })
    expect(await readAll(engine, batch.id)).toMatchObject([
      { status: 'failed', error: { type: 'internal_error', message: 'a separate process ended' } },
    ])
    expect(isolated).toEqual([true])
  })
})

describe('an item', () => {
  test('is sent again with its errors, at most `reasks` times, and every call is counted', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const seen: number[] = []
    await sluice.worker(({ reasks, text }) => {
      seen.push(reasks.length)
      if (text === 'text 1' && reasks.length === 1) return extracted({ repaired: reasks[0]!.errors })
      return { type: 'invalid-output', errors: [`/age: must be integer, try ${reasks.length}`] }
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(2))
    const [first, second] = await readAll(engine, batch.id)
    expect(first).toMatchObject({ status: 'failed', attempts: 3, usage: { input_tokens: 30 }, raw: '"bad"' })
    expect(first!.error).toEqual({ type: 'invalid_output', message: '/age: must be integer, try 2' })
    expect(second).toMatchObject({
      status: 'succeeded',
      attempts: 2,
      data: { repaired: ['/age: must be integer, try 0'] },
    })
    expect(seen).toHaveLength(5)
  })

  test('waits for the rate limit without using an attempt', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let refusals = 20
    await sluice.worker(() => {
      refusals -= 1
      return refusals >= 0
        ? { type: 'rate-limited', message: 'slow down', retryAfterMs: 5, scope: 'requests' }
        : extracted({})
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
    const results = await readAll(engine, batch.id)
    expect(results.map((one) => one.attempts)).toEqual([1, 1, 1])
    expect((await engine.batches.get(batch.id)).usage.calls).toBe(3)
  })

  test('makes its lane show until when it is held, and never waits longer than the cap, whatever the provider asks for', async () => {
    const sluice = testSluice({ retry: { capMs: 50 } })
    const engine = await sluice.engine()
    let calls = 0
    await sluice.worker(() => {
      calls += 1
      if (calls === 1) return { ...broken(), retryAfterMs: 1.8e12 } as Outcome
      if (calls === 2) return { type: 'rate-limited', message: '', retryAfterMs: 1_500, scope: null }
      return extracted({})
    })
    const heldUntil = async () => (await engine.lanesNow())[0]!.held_until
    expect(await heldUntil()).toBeNull()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
    await expect.poll(heldUntil, { timeout: 10_000, interval: 20 }).toBeGreaterThan(Date.now() / 1_000 - 1)
    expect(await readAll(engine, batch.id)).toMatchObject([{ status: 'succeeded' }])
    expect(await heldUntil()).toBeNull()
  })

  test('is retried after failures of the provider, and fails when its budget is used up', async () => {
    const sluice = testSluice({ retry: { unavailable: 3, baseMs: 1, capMs: 5 } })
    const engine = await sluice.engine()
    const calls = new Map<string, number>()
    await sluice.worker(({ text }) => {
      const count = (calls.get(text) ?? 0) + 1
      calls.set(text, count)
      return text === 'text 0' && count === 3 ? extracted({}) : broken()
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(2))
    expect(await readAll(engine, batch.id)).toMatchObject([
      { status: 'succeeded', attempts: 3 },
      { status: 'failed', attempts: 3, error: { type: 'unavailable', message: 'HTTP 500' } },
    ])
    const lane = engine.queues.find((queue) => queue.name === 'lane-default')
    // The job ends after the result is recorded.
    await expect
      .poll(async () => (await lane!.getFailed())[0])
      .toMatchObject({
        data: { batch_id: batch.id, index: 1 },
        failedReason: expect.stringContaining('unavailable: HTTP 500') as string,
      })
  })

  test('that is called again after a call whose end is not known counts a repeated call', async () => {
    const sluice = testSluice({ retry: { baseMs: 1 } })
    const engine = await sluice.engine()
    let cut = 2
    await sluice.worker(() => {
      cut -= 1
      return cut >= 0 ? broken(false) : extracted({})
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
    await readAll(engine, batch.id)
    expect((await engine.batches.get(batch.id)).usage.repeated_calls).toBe(2)
  })

  test('pauses its lane when nothing on it can succeed, uses no attempt, and continues after the lane is resumed', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let funds = false
    let calls = 0
    await sluice.worker(
      async () => {
        calls += 1
        await sleep(5)
        return funds ? extracted({}) : { type: 'out-of-funds', message: 'You exceeded your current quota.' }
      },
      { concurrency: 5 },
    )
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(50))
    await expect.poll(async () => (await engine.batches.get(batch.id)).status).toBe('paused')
    await expect
      .poll(async () => (await engine.batches.get(batch.id)).counts)
      .toMatchObject({ waiting: 50, running: 0, failed: 0 })
    expect(calls).toBeLessThanOrEqual(10)
    expect((await engine.batches.get(batch.id)).pause_reason).toBe('out_of_funds: You exceeded your current quota.')
    funds = true
    await engine.batches.resume(batch.id)
    const results = await readAll(engine, batch.id)
    expect(results.every((one) => one.status === 'succeeded' && one.attempts === 1)).toBe(true)
  })

  test('is handed back when its worker stops, without waiting for its call, and another one finishes it', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let waits = true
    const answer = async (_: unknown, { signal }: { signal: AbortSignal }) => {
      if (waits) await sleep(60_000, undefined, { signal })
      return extracted({})
    }
    const first = await sluice.worker(answer)
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(6))
    await expect.poll(async () => (await engine.batches.get(batch.id)).counts.running).toBe(6)
    waits = false
    const began = Date.now()
    await first.close(200)
    // The call would take a minute; the rest is room for a busy machine.
    expect(Date.now() - began).toBeLessThan(5_000)
    expect((await engine.batches.get(batch.id)).counts).toMatchObject({ running: 0, waiting: 6, failed: 0 })
    await sluice.worker(answer)
    const results = await readAll(engine, batch.id)
    expect(results.map((one) => [one.status, one.attempts])).toEqual(Array.from({ length: 6 }, () => ['succeeded', 1]))
    expect((await engine.batches.get(batch.id)).usage.repeated_calls).toBe(6)
  })

  test('gets a new job when its job was lost from the queue', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
    // The items were fed, and the feeder died before it added their jobs.
    const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })
    expect((await ledger.feed(batch.id, { places: 10, most: 10 })).items).toHaveLength(3)
    await sluice.worker(() => extracted({}))
    expect(await readAll(engine, batch.id)).toHaveLength(3)
  })

  test("fails when its calls end in errors of the service, which are reported without the item's text and count as repeated calls", async () => {
    const sluice = testSluice({ retry: { baseMs: 1 } })
    const engine = await sluice.engine()
    let calls = 0
    await sluice.worker(({ text }) => {
      if (text === 'text 1') return extracted({})
      calls += 1
      throw new TypeError(`cannot read ${text}`)
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(2))
    const [failed, other] = await readAll(engine, batch.id)
    expect(other).toMatchObject({ status: 'succeeded' })
    expect(failed).toMatchObject({ status: 'failed', attempts: 3, error: { type: 'internal_error' } })
    expect(failed!.error!.message).toMatch(/^A call ended in an error of the service: TypeError at .*items\.test\.ts/)
    expect(calls).toBe(3)
    expect(await engine.batches.get(batch.id)).toMatchObject({
      status: 'completed',
      counts: { succeeded: 1, failed: 1, waiting: 0, running: 0 },
      usage: { calls: 1, repeated_calls: 2 },
    })
    expect(sluice.errors.map(({ name }) => name)).toEqual(['UnexpectedError', 'UnexpectedError'])
    expect(JSON.stringify(sluice.errors.map(({ message }) => message))).not.toContain('text 0')
  })

  test('adds its usage once, in whole numbers, whatever the provider reported', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const usages = [
      { input_tokens: 5.5, output_tokens: 3 },
      { input_tokens: Number.NaN, output_tokens: -3 },
      { input_tokens: 7, output_tokens: 1e300 },
    ]
    await sluice.worker(({ text }) => ({
      outcome: extracted({}),
      usage: usages[Number(text.at(-1))]!,
      cachedInputTokens: 0,
      raw: null,
      limits: null,
      latencyMs: 1,
    }))
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
    expect((await readAll(engine, batch.id)).map(({ status }) => status)).toEqual(usages.map(() => 'succeeded'))
    const { usage } = await engine.batches.get(batch.id)
    expect(usage).toMatchObject({ calls: 3, input_tokens: 13, output_tokens: 3, repeated_calls: 0 })
  })
})
