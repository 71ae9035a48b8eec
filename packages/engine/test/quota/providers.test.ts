import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { createProvider, type LimitRule, type ProviderRules } from './providers.ts'
import { createVirtualLane, type LaneOptions, laneStartMs } from './virtual-lane.ts'

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null })
afterAll(() => redis.disconnect())

const requests = (more: Partial<LimitRule> = {}): LimitRule => ({
  unit: 'requests',
  kind: 'bucket',
  limit: 12_000,
  periodMs: 60_000,
  burstMs: 1_000,
  ...more,
})
const tokens = (more: Partial<LimitRule> = {}): LimitRule => requests({ unit: 'tokens', limit: 756_000, ...more })
const inWindows = { kind: 'window', limit: 2_000, periodMs: 10_000 } as const
const inSeconds = { kind: 'window', limit: 200, periodMs: 1_000 } as const

interface Row {
  readonly name: string
  readonly rules: ProviderRules
  readonly used: number
  readonly refused: number
  readonly ms?: number
  readonly lane?: Partial<LaneOptions>
}

/** Reported: the provider's headers say limit, remaining and reset. */
const reported = { used: 0.98, refused: 0.001 }
const partly = { used: 0.95, refused: 0.005 }

const rows: readonly Row[] = [
  { name: 'a bucket of a second', rules: { limits: [requests()] }, ...reported },
  { name: 'a bucket of ten seconds', rules: { limits: [requests({ burstMs: 10_000 })] }, ...reported },
  {
    name: 'a bucket whose reset is rounded to seconds',
    rules: { limits: [requests()], resetStepMs: 1_000 },
    ...reported,
  },
  { name: 'a bucket of a tenth of a second', rules: { limits: [requests({ burstMs: 100 })] }, ...partly },
  { name: 'headers that are written with the answer', rules: { limits: [requests()], stampsAfter: true }, ...reported },
  { name: 'fixed windows', rules: { limits: [requests(inWindows)] }, ...reported },
  {
    name: 'fixed windows whose reset is rounded to seconds',
    rules: { limits: [requests(inWindows)], resetStepMs: 1_000 },
    ...reported,
  },
  {
    name: 'fixed windows, headers written with the answer',
    rules: { limits: [requests(inWindows)], stampsAfter: true },
    ...reported,
  },
  // The run ends just before a window begins that it could not use.
  { name: 'windows of a second', rules: { limits: [requests(inSeconds)] }, ms: 19_900, ...reported },
  {
    name: 'windows of a second, headers written with the answer',
    rules: { limits: [requests(inSeconds)], stampsAfter: true },
    ms: 19_900,
    ...reported,
  },
  {
    name: 'windows of a second, tokens that are charged a tenth',
    rules: { limits: [tokens({ ...inSeconds, limit: 1_260 })], factor: 0.1 },
    ms: 19_900,
    ...partly,
    // The factor is learned in the first windows: 0.954 to 0.986 with 0.1 to 1.2 % refused, by the seed. The aim is 0.98 with 0.1 %.
    used: 0.93,
    refused: 0.02,
  },
  { name: 'tokens that are charged as counted', rules: { limits: [tokens()] }, ...reported },
  { name: 'tokens that are charged half', rules: { limits: [tokens()], factor: 0.5 }, ...partly },
  { name: 'tokens that are charged five times', rules: { limits: [tokens()], factor: 5 }, ...partly },
  { name: 'tokens that are charged a tenth', rules: { limits: [tokens({ limit: 75_600 })], factor: 0.1 }, ...partly },
  {
    name: 'tokens that are charged with the answer, headers written then',
    rules: { limits: [tokens()], chargesAfter: true, stampsAfter: true },
    ...partly,
    // The lane begins carefully, because nothing shows yet what its first calls will be charged. Nothing is refused.
    used: 0.94,
  },
  { name: 'remaining alone', rules: { limits: [requests()], headers: 'remaining' }, ...partly },
  { name: 'neither limit nor its name', rules: { limits: [requests()], headers: 'no-limit' }, ...partly },
  { name: 'no reset', rules: { limits: [requests()], headers: 'no-reset' }, ...partly },
  { name: 'no reset of fixed windows', rules: { limits: [requests(inWindows)], headers: 'no-reset' }, ...partly },
  { name: 'the limit alone', rules: { limits: [requests()], headers: 'limit' }, ...partly },
  {
    name: 'no headers, but when to come again',
    rules: { limits: [requests()], headers: 'none', retryAfter: 'seconds' },
    ...partly,
    // Nothing but refusals says where the limit is. The aim is 0.95 with 0.5 % refused; 0.92 to 0.97 with 0.5 to 0.7 % are reached.
    used: 0.9,
    refused: 0.01,
  },
]

describe('of a provider with', () => {
  test.each(rows)('$name, the lane uses $used of the limit, with at most $refused refused', async (row) => {
    const provider = createProvider(row.rules, laneStartMs)
    await using lane = createVirtualLane({
      redis,
      key: `test-${randomBytes(5).toString('hex')}:{lane-test}:limits`,
      provider,
      ...row.lane,
    })
    const run = await lane.run(row.ms ?? 20_000)
    expect(provider.used(lane.time.clock.now())).toBeGreaterThan(row.used)
    expect(run.refused / run.made).toBeLessThanOrEqual(row.refused)
  })
})

test('a provider without a limit that refuses 0.3 % of all calls at random does not slow the lane', async () => {
  const provider = createProvider({ limits: [], headers: 'none', refusesAtRandom: 0.003 }, laneStartMs)
  await using lane = createVirtualLane({
    redis,
    key: `test-${randomBytes(5).toString('hex')}:{lane-test}:limits`,
    provider,
    concurrency: 150,
  })
  const run = await lane.run(20_000)
  // 150 at once and 300 ms a call: 480 a second.
  expect(run.answered / 20).toBeGreaterThan(300)
})

describe('a limit that changes', () => {
  const falling = { from: 1e8, to: 192_000 }
  test.each([falling, { ...falling, from: 1e12 }])(
    'from $from to $to tokens a minute stops nothing, and neither does the way back',
    async ({ from, to }) => {
      const rules = (limit: number): ProviderRules => ({ limits: [tokens({ limit })] })
      const provider = createProvider(rules(from), laneStartMs)
      await using lane = createVirtualLane({
        redis,
        key: `test-${randomBytes(5).toString('hex')}:{lane-test}:limits`,
        provider,
      })
      await lane.run(5_000)
      provider.change(rules(to), lane.time.clock.now())
      const before = { made: lane.stats.made, refused: lane.stats.refused }
      await lane.run(25_000)
      const made = lane.stats.made - before.made
      expect(provider.used(lane.time.clock.now())).toBeGreaterThan(0.95)
      // Calls in flight when it falls cannot be taken back.
      expect(lane.stats.refused - before.refused).toBeLessThan(200 + 0.02 * made)
      expect(lane.stats.longestStillMs).toBeLessThan(1_500)
      provider.change(rules(756_000), lane.time.clock.now())
      await lane.run(45_000)
      expect(provider.used(lane.time.clock.now())).toBeGreaterThan(0.95)
    },
  )
})

describe('a fresh lane', () => {
  test('lets seven calls go at once, and no more than ten, however many workers begin together', async () => {
    await using lane = createVirtualLane({
      redis,
      key: `test-${randomBytes(5).toString('hex')}:{lane-test}:limits`,
      provider: createProvider({ limits: [requests()] }, laneStartMs),
      workers: 8,
      latencyMs: 880,
      spread: 0,
    })
    const run = await lane.run(800)
    expect(run.begunAtMs).toHaveLength(10)
    expect(run.begunAtMs[6]! - laneStartMs).toBeLessThan(40)
  })
})
