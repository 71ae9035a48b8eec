import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, LimitSample, Outcome, ReportedLimit } from '@sluice/contract/outcome'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import type { ConfiguredLimit } from '@sluice/engine/quota/configured-limits'
import { createQuota } from '@sluice/engine/quota/create-quota'
import type { QuotaMode } from '@sluice/engine/quota/exchange'
import { readQuota, resumeQuota } from '@sluice/engine/quota/quota-view'
import { type Quota, QuotaTooLargeError, type Reservation } from '@sluice/engine/quota/quota'

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null })
afterAll(() => redis.disconnect())
const never = new AbortController().signal
const newKey = () => `test-${randomBytes(5).toString('hex')}:{lane-test}:limits`
const requests = (most: number, periodMs = 60_000): ConfiguredLimit => ({ kind: 'requests', most, periodMs })
const tokens = (most: number, periodMs = 60_000): ConfiguredLimit => ({ kind: 'tokens', most, periodMs })

let lastKey = ''

describe('the quota of a lane', () => {
  test('costs no exchange a call where the provider tells no limit, once the lane has begun', async () => {
    const { quota, exchanges } = await opened()
    for (let i = 0; i < 300; i += 1) quota.settle(await quota.reserve(of(10), { signal: never }), answer(extracted))
    const before = await exchanges()
    const began = performance.now()
    for (let i = 0; i < 2_000; i += 1) quota.settle(await quota.reserve(of(10), { signal: never }), answer(extracted))
    expect((await exchanges()) - before).toBeLessThan(5 + (performance.now() - began) / 50)
  })

  test('learns from the headers of one process for all: the burst at once, then the pace', async () => {
    const key = newKey()
    const [first, second] = [await opened({ key }), await opened({ key })]
    const limits = headers({ limit: 6_000, remaining: 49, resetMs: 10 })
    first.quota.settle(await first.quota.reserve(of(1), { signal: never }), answer(extracted, limits))
    await sleep(50)
    const began = performance.now()
    const went: number[] = []
    await Promise.all(
      [first, second].flatMap(({ quota }) =>
        Array.from({ length: 50 }, async () => {
          await quota.reserve(of(1), { signal: never })
          went.push(performance.now() - began)
        }),
      ),
    )
    // 50 in the bucket, of which a quarter is kept until it is known better, and 100 a second.
    expect(went.filter((atMs) => atMs - Math.min(...went) < 60).length).toBeGreaterThan(25)
    expect(Math.max(...went)).toBeGreaterThan(500)
    // 0.6 s on an idle machine.
    expect(Math.max(...went)).toBeLessThan(2_000)
  })

  test('a refusal holds every process to the instant asked for', async () => {
    const key = newKey()
    const [first, second] = [
      await opened({ key, limits: [requests(60_000)] }),
      await opened({ key, limits: [requests(60_000)] }),
    ]
    const one = await first.quota.reserve(of(1), { signal: never })
    await second.quota.reserve(of(1), { signal: never })
    const refusedAt = performance.now()
    first.quota.settle(one, answer({ type: 'rate-limited', message: '', retryAfterMs: 700, scope: null }))
    await sleep(30)
    await Promise.all([first, second].map(({ quota }) => quota.reserve(of(1), { signal: never })))
    expect(performance.now() - refusedAt).toBeGreaterThanOrEqual(690)
    expect(performance.now() - refusedAt).toBeLessThan(2_000)
  })

  test('processes share the calls in flight evenly, and a call that was cut off gives its place back', async () => {
    const key = newKey()
    const quotas = [await opened({ key, maxInFlight: 4 }), await opened({ key, maxInFlight: 4 })]
    quotas[0]!.quota.settle(await quotas[0]!.quota.reserve(of(1), { signal: never }), answer(extracted))
    const went = [0, 0]
    let inFlight = 0
    let most = 0
    const stop = new AbortController()
    const loops = quotas.flatMap(({ quota }, i) =>
      Array.from({ length: 20 }, async () => {
        while (!stop.signal.aborted) {
          const reservation = await quota.reserve(of(1), { signal: stop.signal })
          most = Math.max(most, (inFlight += 1))
          await sleep(20)
          inFlight -= 1
          went[i]! += 1
          if (went[i]! % 3 === 0) quota.settle(reservation, null)
          else if (went[i]! % 3 === 1) quota.release(reservation)
          else quota.settle(reservation, answer(extracted))
        }
      }).map((loop) => loop.catch(() => {})),
    )
    await sleep(2_000)
    stop.abort(new Error('enough'))
    await Promise.all(loops)
    expect(most).toBe(4)
    // Each has two places. How many calls that makes depends on the machine.
    expect(Math.min(...went)).toBeGreaterThan(20)
    expect(Math.min(...went) / Math.max(...went)).toBeGreaterThan(0.6)
  })

  test('failures in a row hold the lane; single ones do not', async () => {
    const { quota } = await opened()
    const failure = answer({
      type: 'unavailable',
      message: 'HTTP 500',
      retryAfterMs: null,
      timedOut: false,
      answered: true,
    })
    quota.settle(await quota.reserve(of(1), { signal: never }), answer(extracted))
    for (let i = 0; i < 21; i += 1) {
      quota.settle(await quota.reserve(of(1), { signal: never }), i % 3 === 0 ? answer(extracted) : failure)
    }
    const reservations: Reservation[] = []
    for (let i = 0; i < 8; i += 1) reservations.push(await quota.reserve(of(1), { signal: never }))
    const began = performance.now()
    for (const reservation of reservations) quota.settle(reservation, failure)
    await quota.reserve(of(1), { signal: never })
    expect(performance.now() - began).toBeGreaterThan(900)
  })

  test('refuses at once what is larger than the limit of a minute, configured or reported', async () => {
    const configured = await opened({ limits: [tokens(1_000)] })
    await expect(configured.quota.reserve(of(1_001), { signal: never })).rejects.toThrow(QuotaTooLargeError)
    const reported = await opened()
    const first = await reported.quota.reserve(of(10), { signal: never })
    const waiting = reported.quota.reserve(of(5_001), { signal: never })
    waiting.catch(() => {})
    reported.quota.settle(
      first,
      answer(extracted, headers({ unit: 'tokens', limit: 5_000, remaining: 4_990, resetMs: 120 })),
    )
    await expect(waiting).rejects.toThrow('5001 tokens')
  })

  test('limits each model by itself: what one is asked to wait for, another does not', async () => {
    const { quota } = await opened()
    const usedUp = headers({ limit: 60, remaining: 0, resetMs: 50_000 })
    quota.settle(await quota.reserve({ model: 'small', tokens: 1 }, { signal: never }), answer(extracted, usedUp))
    await sleep(50)
    const abort = new AbortController()
    const waiting = quota.reserve({ model: 'small', tokens: 1 }, { signal: abort.signal })
    waiting.catch(() => {})
    const began = performance.now()
    for (let i = 0; i < 5; i += 1) await quota.reserve({ model: 'large', tokens: 1 }, { signal: never })
    expect(performance.now() - began).toBeLessThan(500)
    const { models } = await readQuota(redis, { quota: lastKey })
    expect(models.map(({ model }) => model).toSorted()).toEqual(['large', 'small'])
    expect(models.find(({ model }) => model === 'large')!.limits).toEqual([])
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })

  test('shows what it knows of each limit and why it waits, and forgets the wait when the lane is resumed', async () => {
    const { quota } = await opened({ limits: [requests(6_000)] })
    const one = await quota.reserve(of(10), { signal: never })
    quota.settle(
      one,
      answer(
        { type: 'rate-limited', message: '', retryAfterMs: 3.2e10, scope: null },
        headers({ unit: 'tokens', limit: 5_000, remaining: 0, resetMs: 3_000 }),
      ),
    )
    await sleep(100)
    const { limits, models } = await readQuota(redis, { quota: lastKey })
    expect(limits).toMatchObject([{ unit: 'requests', source: 'configuration', limit: 6_000, period_s: 60 }])
    expect(models).toMatchObject([
      {
        model: 'model',
        waits_for: 'The provider refused a call (429) and its wait is not over.',
        binding_limit: 'tokens',
        limits: [{ name: 'tokens', source: 'header', limit: 5_000, period_s: 60 }],
      },
    ])
    // It asked for a year. The configuration allows ten minutes.
    expect(models[0]!.held_until! - Date.now() / 1_000).toBeGreaterThan(590)
    expect(models[0]!.held_until! - Date.now() / 1_000).toBeLessThan(601)
    const began = performance.now()
    const waiting = quota.reserve(of(10), { signal: never })
    await sleep(50)
    await resumeQuota(redis, { quota: lastKey })
    await waiting
    expect(performance.now() - began).toBeLessThan(1_500)
    expect((await readQuota(redis, { quota: lastKey })).models[0]).toMatchObject({ held_until: null })
  })

  test('shows a limit of the configuration that binds, and each of several by its own name', async () => {
    const { quota } = await opened({ limits: [requests(600), requests(2, 86_400_000)] })
    for (let i = 0; i < 2; i += 1) quota.settle(await quota.reserve(of(10), { signal: never }), answer(extracted))
    const abort = new AbortController()
    const waiting = quota.reserve(of(10), { signal: abort.signal })
    waiting.catch(() => {})
    // Until the calls that ended and the one that waits have been reported.
    await expect
      .poll(async () => (await readQuota(redis, { quota: lastKey })).models[0])
      .toMatchObject({
        requests_in_flight: 0,
        tokens_in_flight: 0,
        binding_limit: 'requests per 86400 s',
        waits_for: "The limit 'requests per 86400 s' sets the pace.",
      })
    const { limits } = await readQuota(redis, { quota: lastKey })
    expect(limits.map(({ name }) => name).toSorted()).toEqual(['requests per 60 s', 'requests per 86400 s'])
    expect(limits.find(({ period_s: periodS }) => periodS === 86_400)).toMatchObject({
      limit: 2,
      used: 2,
      remaining: 0,
    })
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })

  test('shows what is used of a reported limit, what is in flight, and the learned cost factor', async () => {
    const { quota } = await opened()
    const first = await Promise.all(Array.from({ length: 10 }, () => quota.reserve(of(100), { signal: never })))
    // The provider charges half of what is counted: 50 for each call.
    for (const [i, reservation] of first.entries()) {
      const remaining = 100_000 - 50 * (i + 1)
      const reported = headers({ unit: 'tokens', limit: 100_000, remaining, resetMs: 30 * (i + 1) })
      quota.settle(reservation, answer(extracted, reported))
    }
    await quota.reserve(of(100), { signal: never })
    await expect
      .poll(async () => (await readQuota(redis, { quota: lastKey })).models[0])
      .toMatchObject({ requests_in_flight: 1, tokens_in_flight: 100, binding_limit: 'tokens', held_until: null })
    const model = (await readQuota(redis, { quota: lastKey })).models[0]!
    expect(model.cost_factor).toBeGreaterThan(0.4)
    expect(model.cost_factor).toBeLessThan(0.65)
    expect(model.limits).toMatchObject([
      { name: 'tokens', unit: 'tokens', source: 'header', limit: 100_000, period_s: 60 },
    ])
    const [limit] = model.limits
    expect(limit!.remaining + limit!.used).toBeGreaterThan(99_000)
    expect(limit!.used).toBeLessThan(1_000)
  })

  test('an abort while waiting ends the wait, and its place goes to the next', async () => {
    const { quota } = await opened({ limits: [requests(60)] })
    await quota.reserve(of(1), { signal: never })
    const abort = new AbortController()
    const waiting = quota.reserve(of(1), { signal: abort.signal })
    await sleep(30)
    const began = performance.now()
    abort.abort('shutdown')
    await expect(waiting).rejects.toBe('shutdown')
    // At the earliest a place is free after a second.
    expect(performance.now() - began).toBeLessThan(500)
    await quota.reserve(of(1), { signal: never })
    expect(performance.now() - began).toBeLessThan(1_500)
    await expect(quota.reserve(of(1), { signal: AbortSignal.abort('gone') })).rejects.toBe('gone')
  })

  test('while Redis is away calls wait, none is let through and none fails; then they go on', async () => {
    await using server = await startOwnRedis()
    const own = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 })
    own.on('error', () => {})
    const quota = createQuota({ redis: own, key: 'quota', limits: [], longestWaitMs: 600_000, onError: () => {} })
    quota.settle(await quota.reserve(of(1), { signal: never }), answer(extracted))
    await quota.reserve(of(1), { signal: never })
    await server.kill()
    await sleep(1_100)
    let went = 0
    const all = Array.from({ length: 20 }, async () => {
      quota.settle(await quota.reserve(of(1), { signal: never }), answer(extracted))
      went += 1
    })
    await sleep(300)
    expect(went).toBe(0)
    await server.start()
    await Promise.all(all)
    await quota[Symbol.asyncDispose]()
    own.disconnect()
  })

  async function opened({
    key = newKey(),
    limits = [],
    maxInFlight,
    onMode,
  }: {
    key?: string
    limits?: readonly ConfiguredLimit[]
    maxInFlight?: number
    onMode?: (mode: QuotaMode) => void
  } = {}): Promise<{
    quota: Quota
    exchanges: () => Promise<number>
  }> {
    lastKey = key
    let count = 0
    const counted = new Proxy(redis, {
      get(target, name) {
        if (name === 'evalsha') count += 1
        const value = Reflect.get(target, name) as unknown
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const errors: Error[] = []
    const quota = createQuota({
      redis: counted,
      key,
      limits,
      longestWaitMs: 600_000,
      ...(maxInFlight === undefined ? {} : { maxInFlight }),
      ...(onMode === undefined ? {} : { onMode }),
      onError: (error) => errors.push(error),
    })
    onTestFinished(async () => {
      await quota[Symbol.asyncDispose]()
      await redis.del(key)
      expect(errors).toEqual([])
    })
    return { quota, exchanges: async () => count }
  }
})

const extracted: Outcome = { type: 'extracted', data: {} }

function answer(outcome: Outcome, limits: LimitSample | null = null): Call {
  const usage =
    outcome.type === 'extracted' ? { input_tokens: 8, output_tokens: 2 } : { input_tokens: 0, output_tokens: 0 }
  return { outcome, usage, cachedInputTokens: 0, raw: null, limits, latencyMs: 1 }
}

const of = (tokens: number) => ({ model: 'model', tokens })

function headers(...reported: readonly Partial<ReportedLimit>[]): LimitSample {
  return reported.map((one) => ({
    name: one.unit ?? 'requests',
    unit: 'requests',
    limit: null,
    remaining: null,
    resetMs: null,
    resetStepMs: 1,
    periodMs: null,
    ...one,
  }))
}
