import { randomBytes } from 'node:crypto'
import { fc } from '../../../../test/support/property.ts'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, inject, test } from 'vitest'
import type { ConfiguredLimit } from '@sluice/engine/quota/configured-limits'
import { exchange, type ExchangeMessage } from '@sluice/engine/quota/exchange'

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null })
afterAll(() => redis.disconnect())
const newKey = () => `test-${randomBytes(5).toString('hex')}:{lane-test}:limits`

const nothing: ExchangeMessage = {
  by: 'process',
  limits: [],
  longestWaitMs: 600_000,
  held: { requests: 0, tokens: 0 },
  laneHeld: 0,
  costs: [],
  reported: [],
  went: { requests: 0, tokens: 0 },
  back: { requests: 0, tokens: 0 },
  uncharged: { requests: 0, tokens: 0 },
  over: 0,
  answered: 0,
  answeredAge: 0,
}

const requests = (most: number, periodMs = 60_000): ConfiguredLimit => ({ kind: 'requests', most, periodMs })
const tokens = (most: number, periodMs = 60_000): ConfiguredLimit => ({ kind: 'tokens', most, periodMs })

async function trade(key: string, nowMs: number, message: Partial<ExchangeMessage>) {
  const reply = await exchange(redis, key, 'model', { ...nothing, ...message }, { clock: nowMs })
  return { ...reply, grants: reply.delaysMs.map((delayMs) => ({ delayMs })) }
}

/** A lane whose first answers have come: what is tested is not how it begins. */
async function opened(key: string, nowMs: number, message: Partial<ExchangeMessage> = {}): Promise<void> {
  await trade(key, nowMs, { ...message, answered: 1_000 })
}

interface Bucket {
  level: number
  most: number
}

async function bucketsOf(key: string): Promise<Record<string, Bucket>> {
  const script = "return cjson.encode(cmsgpack.unpack(redis.call('HGET', KEYS[1], '')).buckets)"
  return JSON.parse((await redis.eval(script, 1, key)) as string) as Record<string, Bucket>
}

interface Sent {
  readonly atMs: number
  readonly tokens: number
}

/** The most that was sent beyond `rate` (units per ms) in any window, of any length: the burst. */
function burstOf(sent: readonly Sent[], rate: number, amount: (one: Sent) => number): number {
  let most = 0
  sent.forEach((first, from) => {
    let sum = 0
    for (const one of sent.slice(from)) {
      sum += amount(one)
      most = Math.max(most, sum - rate * (one.atMs - first.atMs))
    }
  })
  return most
}

const step = fc.record({
  gapMs: fc.integer({ min: 0, max: 400 }),
  costs: fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 8 }),
})
const steps = fc.array(step, { minLength: 1, maxLength: 15 })
const start = 1_790_000_000_000

describe('configured limits', () => {
  test('with configured limits, no window holds more than the rate and the burst, and no minute more than the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 60, max: 6_000 }),
        fc.integer({ min: 400, max: 60_000 }),
        steps,
        async (rpm, tpm, all) => {
          const key = newKey()
          const { sent, asked } = await play(key, [requests(rpm), tokens(tpm)], all, 90)
          expect(sent).toHaveLength(asked)
          const largest = Math.max(0, ...sent.map((one) => one.tokens))
          const requestBurst = Math.max(1, rpm / 240)
          expect(burstOf(sent, (rpm - (requestBurst - 1)) / 60_000, () => 1)).toBeLessThan(requestBurst + 0.01)
          expect(burstOf(sent, (tpm - tpm / 240) / 60_000, (one) => one.tokens)).toBeLessThan(
            Math.max(tpm / 240, largest) + 0.5,
          )
          for (const { atMs } of sent) {
            const inMinute = sent.filter((one) => one.atMs >= atMs && one.atMs < atMs + 59_999)
            expect(inMinute.length).toBeLessThanOrEqual(rpm)
          }
          await redis.del(key)
        },
      ),
      { numRuns: 12 },
    )
  }, 180_000)

  test('gives every call one place, in the order of asking, however the processes take turns', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const key = newKey()
        const { sent, asked, inOrder } = await play(key, [requests(1_200), tokens(12_000)], all, 90)
        expect(sent).toHaveLength(asked)
        expect(inOrder).toBe(true)
        // None lost: what was reserved is what went, so the lane is done when its sum has come in.
        const sum = sent.reduce((total, one) => total + one.tokens, 0)
        const needMs = Math.max(sum / ((12_000 - 50) / 60_000), asked / ((1_200 - 4) / 60_000))
        const idleMs = all.reduce((total, one) => total + one.gapMs, 0)
        if (sent.length > 0) expect(sent.at(-1)!.atMs - start).toBeLessThan(needMs + idleMs + 10)
        await redis.del(key)
      }),
      { numRuns: 12 },
    )
  }, 180_000)

  test('settling never mints: what went, less what was given back, stays within rate and burst', async () => {
    const settled = fc.record({
      gapMs: fc.integer({ min: 0, max: 300 }),
      costs: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 6 }),
      back: fc.integer({ min: 0, max: 3 }),
      over: fc.integer({ min: -400, max: 400 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(settled, { minLength: 1, maxLength: 25 }), async (all) => {
        const key = newKey()
        const limits = [requests(600), tokens(30_000)]
        let nowMs = start
        let spent = 0
        let returned = 0
        let largest = 125
        let untilMs = start
        const open: number[] = []
        for (const { gapMs, costs, back, over } of all) {
          nowMs += gapMs
          const given = open.splice(0, back)
          const backTokens = given.reduce((sum, tokens) => sum + tokens, 0)
          const used = open.shift() ?? 0
          const overTokens = used === 0 ? 0 : Math.max(-used, over)
          const { grants } = await trade(key, nowMs, {
            limits,
            costs,
            back: { requests: given.length, tokens: backTokens },
            over: overTokens,
          })
          returned += backTokens + Math.max(0, -overTokens)
          for (const tokens of costs.slice(0, grants.length)) {
            spent += tokens
            largest = Math.max(largest, tokens)
            open.push(tokens)
          }
          for (const bucket of Object.values(await bucketsOf(key))) {
            expect(bucket.level).toBeLessThanOrEqual(bucket.most + 1e-6)
          }
          untilMs = Math.max(untilMs, nowMs, ...grants.map((grant) => nowMs + grant.delayMs))
          expect(spent - returned).toBeLessThanOrEqual(largest + (30_000 / 60_000) * (untilMs - start) + 1)
        }
        await redis.del(key)
      }),
      { numRuns: 60 },
    )
  }, 180_000)

  test('with further limits, no sliding period of any of them holds more than its limit, and nothing is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 20 }),
        fc.integer({ min: 6, max: 60 }),
        fc.integer({ min: 400, max: 4_000 }),
        fc.array(step, { minLength: 1, maxLength: 8 }),
        async (perSecond, perTwoMinutes, tokensPerHour, all) => {
          const key = newKey()
          const limits = [
            requests(perSecond, 1_000),
            requests(perTwoMinutes, 120_000),
            tokens(tokensPerHour, 3_600_000),
          ]
          const { sent, asked } = await play(key, limits, all, 5_000)
          expect(sent).toHaveLength(asked)
          for (const { kind, most, periodMs } of limits) {
            for (const { atMs } of sent) {
              const within = sent.filter((one) => one.atMs >= atMs && one.atMs < atMs + periodMs - 0.01)
              const amount = kind === 'requests' ? within.length : within.reduce((sum, one) => sum + one.tokens, 0)
              expect(amount).toBeLessThanOrEqual(most)
            }
          }
          await redis.del(key)
        },
      ),
      { numRuns: 10 },
    )
  }, 180_000)

  test("a day's limit may go at once, and what is given back of it is never more than was taken", async () => {
    const key = newKey()
    const dayMs = 86_400_000
    const limits = [requests(1_000, dayMs)]
    await opened(key, start, { limits, costs: [1] })
    await trade(key, start + 10, { limits, answered: 5 })
    let went = 1
    for (let i = 0; i < 4; i += 1) {
      went += (await trade(key, start + 100 + i, { limits, costs: Array.from({ length: 400 }, () => 1) })).grants.length
    }
    // Of 400 at a time, none of a call that the limit has no room for.
    expect(went).toBe(1_000)
    const back = await trade(key, start + 7_200_000, {
      limits,
      answered: 1_000,
      costs: [1, 1, 1, 1],
      back: { requests: 3, tokens: 3 },
    })
    expect(back.grants).toHaveLength(3)
    const early = await trade(key, start + dayMs, { limits, costs: [1] })
    expect(early.grants).toHaveLength(0)
    await opened(key, start + dayMs + 3_600_000, { limits })
    await opened(key, start + dayMs + 3_600_000, { limits })
    const free = await trade(key, start + dayMs + 3_600_000, { limits, costs: Array.from({ length: 499 }, () => 1) })
    expect(free.grants).toHaveLength(499)
    const more = Array.from({ length: 501 }, () => 1)
    const rest = await trade(key, start + dayMs + 3_600_001, {
      limits,
      answered: 1_000,
      costs: more,
      back: { requests: 5_000, tokens: 0 },
    })
    // Even what is given back by mistake mints nothing beyond the whole limit.
    expect(rest.grants.length).toBeLessThanOrEqual(1_000)
    await redis.del(key)
  })

  test('calls in flight are never more than allowed, whoever holds them, and a dead process holds its own for 5 s', async () => {
    const turn = fc.record({
      by: fc.integer({ min: 0, max: 2 }),
      gapMs: fc.integer({ min: 0, max: 200 }),
      waits: fc.integer({ min: 0, max: 12 }),
      ends: fc.integer({ min: 0, max: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.array(turn, { maxLength: 25 }), async (most, turns) => {
        const key = newKey()
        await opened(key, start)
        const held = [0, 0, 0]
        let nowMs = start
        const ask = async (by: number, waits: number) => {
          const { grants } = await trade(key, nowMs, {
            by: `process ${by}`,
            maxInFlight: most,
            held: { requests: held[by]!, tokens: held[by]! },
            laneHeld: held[by]!,
            costs: Array.from({ length: waits }, () => 1),
          })
          held[by]! += grants.length
          return grants.length
        }
        for (const { by, gapMs, waits, ends } of turns) {
          nowMs += gapMs
          held[by] = Math.max(0, held[by]! - ends)
          await ask(by, waits)
          expect(held[0]! + held[1]! + held[2]!).toBeLessThanOrEqual(most)
        }
        // One stays alive; the others died without handing anything back.
        nowMs += 5_001
        held[0] = 0
        expect(await ask(0, 20)).toBe(most)
        await redis.del(key)
      }),
      { numRuns: 12 },
    )
  }, 180_000)

  test('a large call is not starved by small ones of another process', async () => {
    const key = newKey()
    const limits = [tokens(60_000)]
    let largeAtMs = Number.POSITIVE_INFINITY
    let nowMs = start
    await opened(key, start, { limits })
    for (; nowMs < start + 60_000 && largeAtMs === Number.POSITIVE_INFINITY; nowMs += 25) {
      await trade(key, nowMs, { by: 'small', limits, costs: Array.from({ length: 20 }, () => 10), answered: 1 })
      const [large] = (await trade(key, nowMs + 12, { by: 'large', limits, costs: [20_000] })).grants
      if (large !== undefined) largeAtMs = nowMs + 12 + large.delayMs
    }
    // Its own 20 s of refill, and a short while until its turn.
    expect(largeAtMs - start).toBeLessThan(21_500)
    await redis.del(key)
  })

  test('a reservation that was lost with its worker costs its tokens once', async () => {
    const key = newKey()
    const limits = [requests(600)]
    const lost = await trade(key, start, { limits, costs: [1, 1, 1, 1, 1] })
    expect(lost.grants.length).toBeGreaterThanOrEqual(2)
    const later = await trade(key, start + 1_000, { limits, costs: [1, 1, 1] })
    expect(later.grants.slice(0, 2).map((grant) => grant.delayMs)).toEqual([0, 0])
    await redis.del(key)
  })

  /** Two processes take turns until every call has its place. */
  async function play(
    key: string,
    limits: readonly ConfiguredLimit[],
    all: readonly { gapMs: number; costs: number[] }[],
    drainGapMs: number,
  ) {
    const lines: number[][] = [[], []]
    const sent: Sent[] = []
    let asked = 0
    let nowMs = start
    let inOrder = true
    await opened(key, start, { limits })
    for (let i = 0; i < all.length || lines.some((line) => line.length > 0); i += 1) {
      const { gapMs, costs } = all[i] ?? { gapMs: drainGapMs, costs: [] }
      nowMs += gapMs
      asked += costs.length
      const line = lines[i % 2]!
      line.push(...costs)
      const { grants } = await trade(key, nowMs, { by: `process ${i % 2}`, limits, costs: line, answered: 1 })
      for (const { delayMs } of grants) {
        const atMs = nowMs + delayMs
        inOrder &&= atMs >= (sent.at(-1)?.atMs ?? 0) - 0.01
        sent.push({ atMs, tokens: line.shift()! })
      }
    }
    return { sent, asked, inOrder }
  }
})
