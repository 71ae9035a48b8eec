import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, LimitSample, Outcome } from '@sluice/contract/outcome'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { createQuota } from '@sluice/engine/quota/create-quota'
import {
  type ConfiguredLimit,
  type ExchangeMessage,
  type ExchangeReply,
  readReply,
} from '@sluice/engine/quota/exchange'
import { type Quota, QuotaTooLargeError, type Reservation } from '@sluice/engine/quota/quota'

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null })
afterAll(() => redis.disconnect())
const never = new AbortController().signal
const newKey = () => `test-${randomBytes(5).toString('hex')}:{lane-test}:quota`

/** The script with the clock in our hands, so that minutes pass in no time. */
const sha = (async () => {
  const source = readFileSync(new URL('../src/quota/exchange.lua', import.meta.url), 'utf8')
  const timed = source.replace("redis.call('TIME')", '{ math.floor(ARGV[2] / 1000), (ARGV[2] % 1000) * 1000 }')
  if (timed === source) throw new Error('The script reads its clock in another way.')
  return (await redis.script('LOAD', timed)) as string
})()

const nothing: ExchangeMessage = {
  limits: [],
  adapts: false,
  costs: [],
  backRequests: 0,
  backTokens: 0,
  overTokens: 0,
}

const requests = (most: number, periodMs = 60_000): ConfiguredLimit => ({ kind: 'requests', most, periodMs })
const tokens = (most: number, periodMs = 60_000): ConfiguredLimit => ({ kind: 'tokens', most, periodMs })

async function trade(key: string, nowMs: number, message: Partial<ExchangeMessage>): Promise<ExchangeReply> {
  const text = JSON.stringify({ ...nothing, ...message })
  return readReply((await redis.evalsha(await sha, 1, key, text, nowMs)) as string[])
}

interface Window {
  level: number
  cap: number
  rate: number
}

async function windowsOf(key: string): Promise<Record<string, Window>> {
  const json = await redis.eval("return cjson.encode(cmsgpack.unpack(redis.call('GET', KEYS[1])).windows)", 1, key)
  return JSON.parse(json as string) as Record<string, Window>
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

describe('the exchange', () => {
  test('with configured limits, no window holds more than the rate and the burst, and no minute more than the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 60, max: 6_000 }),
        fc.integer({ min: 400, max: 60_000 }),
        steps,
        async (rpm, tpm, all) => {
          const key = newKey()
          const { sent, asked } = await play(key, [requests(rpm), tokens(tpm)], all, 400)
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
      { numRuns: 40 },
    )
  }, 60_000)

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
      { numRuns: 40 },
    )
  }, 60_000)

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
            backRequests: given.length,
            backTokens,
            overTokens,
          })
          returned += backTokens + Math.max(0, -overTokens)
          for (const tokens of costs.slice(0, grants.length)) {
            spent += tokens
            largest = Math.max(largest, tokens)
            open.push(tokens)
          }
          const windows = await windowsOf(key)
          for (const window of Object.values(windows)) expect(window.level).toBeLessThanOrEqual(window.cap + 1e-6)
          untilMs = Math.max(untilMs, nowMs, ...grants.map((grant) => nowMs + grant.delayMs))
          expect(spent - returned).toBeLessThanOrEqual(largest + (30_000 / 60_000) * (untilMs - start) + 1)
        }
        await redis.del(key)
      }),
      { numRuns: 60 },
    )
  }, 60_000)

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
          const { sent, asked } = await play(key, limits, all, 20_000)
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
      { numRuns: 30 },
    )
  }, 60_000)

  test("a day's limit may go at once, and what is given back of it is never more than was taken", async () => {
    const key = newKey()
    const dayMs = 86_400_000
    const limits = [requests(1_000, dayMs)]
    await trade(key, start, { limits, costs: [1] })
    await trade(key, start + 10, { limits, answered: 5 })
    let went = 1
    for (let i = 0; i < 4; i += 1) {
      went += (await trade(key, start + 100 + i, { limits, costs: Array.from({ length: 400 }, () => 1) })).grants.length
    }
    // Of 400 at a time, none of a call that the limit has no room for.
    expect(went).toBe(1_000)
    const back = await trade(key, start + 7_200_000, { limits, costs: [1, 1, 1, 1], backRequests: 3 })
    expect(back.grants).toHaveLength(3)
    const early = await trade(key, start + dayMs, { limits, costs: [1] })
    expect(early.grants).toHaveLength(0)
    const free = await trade(key, start + dayMs + 3_600_000, { limits, costs: Array.from({ length: 499 }, () => 1) })
    expect(free.grants).toHaveLength(499)
    const more = Array.from({ length: 501 }, () => 1)
    const rest = await trade(key, start + dayMs + 3_600_001, { limits, costs: more, backRequests: 5_000 })
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
        await trade(key, start, { answered: 1 })
        const held = [0, 0, 0]
        let nowMs = start
        const ask = async (by: number, waits: number) => {
          const inFlight = { most, by: `process ${by}`, held: held[by]! }
          const { grants } = await trade(key, nowMs, { inFlight, costs: Array.from({ length: waits }, () => 1) })
          held[by]! += grants.length
          return grants.length
        }
        for (const { by, gapMs, waits, ends } of turns) {
          nowMs += gapMs
          held[by] = Math.max(0, held[by]! - ends)
          await ask(by, waits)
          expect(held[0]! + held[1]! + held[2]!).toBeLessThanOrEqual(most)
        }
        // One lives on; the others are gone without a word.
        nowMs += 5_001
        held[0] = 0
        expect(await ask(0, 20)).toBe(most)
        await redis.del(key)
      }),
      { numRuns: 40 },
    )
  }, 60_000)

  test('learns a limit from headers, uses all of it, and is never refused by a strict bucket', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          perS: fc.integer({ min: 5, max: 400 }),
          burstS: fc.constantFrom(0.5, 1, 10),
          latencyMs: fc.integer({ min: 30, max: 1_000 }),
          processes: fc.integer({ min: 1, max: 4 }),
          tokens: fc.boolean(),
        }),
        async ({ perS, burstS, latencyMs, processes, tokens }) => {
          const key = newKey()
          const scale = tokens ? 1_000 : 1
          const rate = (perS * scale) / 1_000
          // Of a bucket that holds but one or two calls nothing can be kept in reserve: there refusals are what tells the limit.
          const bucket = createBucket(rate, Math.max(rate * burstS * 1_000, 4 * scale))
          const answers: {
            atMs: number
            goneAtMs: number
            remaining: number
            expected: number | null
            epoch: number
          }[] = []
          let went = 0
          let refused = 0
          const forMs = 8_000
          let nowMs = start
          for (let turn = 0; nowMs < start + forMs; turn += 1) {
            nowMs += 50 / processes
            const told = answers.filter((answer) => answer.atMs <= nowMs)
            answers.splice(0, told.length)
            const seen = told.map((one) => sampleOf(one, rate, bucket.cap, scale, nowMs)).at(-1)
            const costs = Array.from({ length: Math.ceil(perS / 10) + 2 }, () => scale)
            const reply = await trade(key, nowMs, {
              costs,
              ...(seen === undefined ? {} : { [tokens ? 'tokens' : 'requests']: seen, answered: seen.age }),
            })
            for (const grant of reply.grants) {
              const goneAtMs = nowMs + grant.delayMs
              went += 1
              if (!bucket.take(scale, goneAtMs)) refused += 1
              const expected = tokens ? grant.tokens : grant.requests
              answers.push({
                atMs: goneAtMs + latencyMs,
                goneAtMs,
                remaining: bucket.remaining(),
                expected,
                epoch: reply.epoch,
              })
            }
          }
          expect(refused).toBe(0)
          // The cold start costs the answer of one probe; what is kept in reserve, at most a quarter of the bucket.
          const ideal = rate * (forMs - 2 * latencyMs - 200) + bucket.cap * 0.7
          expect(went * scale).toBeGreaterThan(ideal * 0.97 - 3 * scale)
          await redis.del(key)
        },
      ),
      { numRuns: 25 },
    )
  }, 120_000)

  test('a large call is not starved by small ones of another process', async () => {
    const key = newKey()
    const limits = [tokens(60_000)]
    let largeAtMs = Number.POSITIVE_INFINITY
    let nowMs = start
    for (; nowMs < start + 60_000 && largeAtMs === Number.POSITIVE_INFINITY; nowMs += 25) {
      await trade(key, nowMs, { limits, costs: Array.from({ length: 20 }, () => 10) })
      const [large] = (await trade(key, nowMs + 12, { limits, costs: [20_000] })).grants
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

  test('a hold without an instant doubles, up to a minute, until a call that went after it is answered', async () => {
    const key = newKey()
    const held: number[] = []
    let nowMs = start
    for (let i = 0; i < 8; i += 1) {
      const { heldMs } = await trade(key, nowMs, { refused: { after: -1, age: 1 } })
      held.push(heldMs)
      expect((await trade(key, nowMs + 1, { refused: { after: -1, age: 10 } })).heldMs).toBe(heldMs - 1)
      nowMs += heldMs + 10
    }
    expect(held).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    await trade(key, nowMs, { answered: 2 })
    expect((await trade(key, nowMs + 5, { refused: { after: -1, age: 1 } })).heldMs).toBe(1_000)
    await redis.del(key)
  })

  test('a hold is a day at the most, whatever the refusal asks for', async () => {
    const key = newKey()
    const { heldMs } = await trade(key, start, { refused: { after: 1.8e12, age: 1 } })
    expect(heldMs).toBe(86_400_000)
    expect(await redis.pttl(key)).toBeLessThanOrEqual(2 * 86_400_000)
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
    for (let i = 0; i < all.length || lines.some((line) => line.length > 0); i += 1) {
      const { gapMs, costs } = all[i] ?? { gapMs: drainGapMs, costs: [] }
      nowMs += gapMs
      asked += costs.length
      const line = lines[i % 2]!
      line.push(...costs)
      const { grants } = await trade(key, nowMs, { limits, costs: line })
      for (const { delayMs } of grants) {
        const atMs = nowMs + delayMs
        inOrder &&= atMs >= (sent.at(-1)?.atMs ?? 0) - 0.01
        sent.push({ atMs, tokens: line.shift()! })
      }
    }
    return { sent, asked, inOrder }
  }
})

describe('the quota of a lane', () => {
  test('costs no exchange a call where the provider tells no limit', async () => {
    const { quota, exchanges } = await opened()
    quota.settle(await quota.reserve(10, { signal: never }), answer(extracted))
    await quota.reserve(10, { signal: never })
    const before = await exchanges()
    const began = performance.now()
    for (let i = 0; i < 2_000; i += 1) quota.settle(await quota.reserve(10, { signal: never }), answer(extracted))
    expect((await exchanges()) - before).toBeLessThan(3 + (performance.now() - began) / 100)
  })

  test('sends one careful call at a time by all processes until the first answer', async () => {
    const key = newKey()
    const quotas = [await opened({ key }), await opened({ key }), await opened({ key })]
    let went = 0
    const abort = new AbortController()
    for (const { quota } of quotas) {
      for (let i = 0; i < 100; i += 1) {
        void quota.reserve(1, { signal: abort.signal }).then(
          () => (went += 1),
          () => {},
        )
      }
    }
    await sleep(600)
    abort.abort()
    expect(went).toBeGreaterThanOrEqual(2)
    expect(went).toBeLessThanOrEqual(6)
  })

  test('learns from the headers of one process for all: the burst at once, then the pace', async () => {
    const key = newKey()
    const [first, second] = [await opened({ key }), await opened({ key })]
    const limits = headers({ limitRequests: 6_000, remainingRequests: 49, resetRequestsMs: 10 })
    first.quota.settle(await first.quota.reserve(1, { signal: never }), answer(extracted, limits))
    await sleep(50)
    const began = performance.now()
    const went: number[] = []
    await Promise.all(
      [first, second].flatMap(({ quota }) =>
        Array.from({ length: 50 }, async () => {
          await quota.reserve(1, { signal: never })
          went.push(performance.now() - began)
        }),
      ),
    )
    // 50 in the bucket, of which a quarter is kept until it is known better, and 100 a second.
    expect(went.filter((atMs) => atMs < 30).length).toBeGreaterThan(25)
    expect(Math.max(...went)).toBeGreaterThan(500)
    expect(Math.max(...went)).toBeLessThan(1_200)
  })

  test('a limit of a day, as its reset tells it, sets no pace while much of it is left, and its own when it is used up', async () => {
    const { quota } = await opened()
    const ofDay = (remaining: number) =>
      answer(
        extracted,
        headers({ limitRequests: 14_400, remainingRequests: remaining, resetRequestsMs: (14_400 - remaining) * 6_000 }),
      )
    quota.settle(await quota.reserve(1, { signal: never }), ofDay(14_000))
    await sleep(300)
    const began = performance.now()
    const all = await Promise.all(Array.from({ length: 100 }, () => quota.reserve(1, { signal: never })))
    expect(performance.now() - began).toBeLessThan(500)
    for (const one of all.slice(1)) quota.release(one)
    quota.settle(all[0]!, ofDay(2))
    await sleep(400)
    const two = await Promise.all([1, 2].map(() => quota.reserve(1, { signal: never })))
    expect(two).toHaveLength(2)
    // 240 a second, were it a limit of a minute; so one in 6 s.
    await expect(quota.reserve(1, { signal: AbortSignal.timeout(1_500) })).rejects.toThrow('timeout')
  })

  test('a refusal holds every process to the instant asked for', async () => {
    const key = newKey()
    const [first, second] = [
      await opened({ key, limits: [requests(60_000)] }),
      await opened({ key, limits: [requests(60_000)] }),
    ]
    const one = await first.quota.reserve(1, { signal: never })
    await second.quota.reserve(1, { signal: never })
    const refusedAt = performance.now()
    first.quota.settle(one, answer({ type: 'rate-limited', message: '', retryAfterMs: 700, scope: null }))
    await sleep(30)
    await Promise.all([first, second].map(({ quota }) => quota.reserve(1, { signal: never })))
    expect(performance.now() - refusedAt).toBeGreaterThanOrEqual(690)
    expect(performance.now() - refusedAt).toBeLessThan(1_000)
  })

  test('a lane without known limits is held as well, and begins with single calls again', async () => {
    const key = newKey()
    const [first, second] = [await opened({ key }), await opened({ key })]
    for (const { quota } of [first, second]) quota.settle(await quota.reserve(1, { signal: never }), answer(extracted))
    const one = await first.quota.reserve(1, { signal: never })
    const refusedAt = performance.now()
    first.quota.settle(one, answer({ type: 'rate-limited', message: '', retryAfterMs: 400, scope: null }))
    await sleep(300)
    const went: number[] = []
    const abort = new AbortController()
    const all = [first, second].flatMap(({ quota }) =>
      Array.from({ length: 20 }, () =>
        quota.reserve(1, { signal: abort.signal }).then(
          () => went.push(performance.now() - refusedAt),
          () => {},
        ),
      ),
    )
    await sleep(400)
    abort.abort()
    await Promise.all(all)
    expect(Math.min(...went)).toBeGreaterThanOrEqual(395)
    expect(went.length).toBeLessThanOrEqual(4)
  })

  test('where the calls in flight adapt, a short hold ends with all that wait, and the mode is told before they go', async () => {
    const told: string[] = []
    const { quota } = await opened({ onMode: (mode) => told.push(mode) })
    quota.settle(await quota.reserve(1, { signal: never }), answer(extracted))
    const one = await quota.reserve(1, { signal: never })
    quota.settle(one, answer({ type: 'rate-limited', message: '', retryAfterMs: 200, scope: null }))
    const began = performance.now()
    await Promise.all(Array.from({ length: 50 }, () => quota.reserve(1, { signal: never })))
    expect(performance.now() - began).toBeGreaterThan(190)
    // With single calls again, 8 a second, it would take 6 s.
    expect(performance.now() - began).toBeLessThan(600)
    expect(told.filter((mode, i) => mode !== told[i - 1])).toEqual(['probing', 'free', 'probing', 'free'])
  })

  test('processes share the calls in flight evenly, and a call that was cut off gives its place back', async () => {
    const key = newKey()
    const quotas = [await opened({ key, maxInFlight: 4 }), await opened({ key, maxInFlight: 4 })]
    quotas[0]!.quota.settle(await quotas[0]!.quota.reserve(1, { signal: never }), answer(extracted))
    const went = [0, 0]
    let inFlight = 0
    let most = 0
    const stop = new AbortController()
    const loops = quotas.flatMap(({ quota }, i) =>
      Array.from({ length: 20 }, async () => {
        while (!stop.signal.aborted) {
          const reservation = await quota.reserve(1, { signal: stop.signal })
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
    // Each has two places, of about 26 ms each.
    expect(Math.min(...went)).toBeGreaterThan(60)
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
    quota.settle(await quota.reserve(1, { signal: never }), answer(extracted))
    for (let i = 0; i < 21; i += 1) {
      quota.settle(await quota.reserve(1, { signal: never }), i % 3 === 0 ? answer(extracted) : failure)
    }
    const reservations: Reservation[] = []
    for (let i = 0; i < 8; i += 1) reservations.push(await quota.reserve(1, { signal: never }))
    const began = performance.now()
    for (const reservation of reservations) quota.settle(reservation, failure)
    await quota.reserve(1, { signal: never })
    expect(performance.now() - began).toBeGreaterThan(900)
  })

  test('refuses at once what is larger than the limit of a minute, configured or told', async () => {
    const configured = await opened({ limits: [tokens(1_000)] })
    await expect(configured.quota.reserve(1_001, { signal: never })).rejects.toThrow(QuotaTooLargeError)
    const told = await opened()
    const first = await told.quota.reserve(10, { signal: never })
    const waiting = told.quota.reserve(5_001, { signal: never })
    waiting.catch(() => {})
    told.quota.settle(
      first,
      answer(extracted, headers({ limitTokens: 5_000, remainingTokens: 4_990, resetTokensMs: 120 })),
    )
    await expect(waiting).rejects.toThrow('5001 tokens')
  })

  test('an abort while waiting ends the wait, and its place goes to the next', async () => {
    const { quota } = await opened({ limits: [requests(60)] })
    await quota.reserve(1, { signal: never })
    const abort = new AbortController()
    const waiting = quota.reserve(1, { signal: abort.signal })
    await sleep(30)
    const began = performance.now()
    abort.abort('shutdown')
    await expect(waiting).rejects.toBe('shutdown')
    expect(performance.now() - began).toBeLessThan(20)
    await quota.reserve(1, { signal: never })
    expect(performance.now() - began).toBeLessThan(1_500)
    await expect(quota.reserve(1, { signal: AbortSignal.abort('gone') })).rejects.toBe('gone')
  })

  test('while Redis is away calls wait, none is let through and none fails; then they go on', async () => {
    await using server = await startOwnRedis()
    const own = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 })
    own.on('error', () => {})
    const quota = createQuota({ redis: own, key: 'quota', limits: [], onError: () => {} })
    quota.settle(await quota.reserve(1, { signal: never }), answer(extracted))
    await quota.reserve(1, { signal: never })
    await server.kill()
    await sleep(1_100)
    let went = 0
    const all = Array.from({ length: 20 }, async () => {
      quota.settle(await quota.reserve(1, { signal: never }), answer(extracted))
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
    onMode?: (mode: ExchangeReply['mode']) => void
  } = {}): Promise<{
    quota: Quota
    exchanges: () => Promise<number>
  }> {
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

function headers(told: Partial<LimitSample>): LimitSample {
  return {
    limitRequests: null,
    remainingRequests: null,
    resetRequestsMs: null,
    limitTokens: null,
    remainingTokens: null,
    resetTokensMs: null,
    ...told,
  }
}

function createBucket(rate: number, cap: number) {
  let level = cap
  let atMs = start
  return {
    cap,
    remaining: () => Math.floor(level),
    take(amount: number, nowMs: number): boolean {
      level = Math.min(cap, level + Math.max(0, nowMs - atMs) * rate)
      atMs = Math.max(atMs, nowMs)
      if (level < amount) return false
      level -= amount
      return true
    },
  }
}

function sampleOf(
  told: { goneAtMs: number; remaining: number; expected: number | null; epoch: number },
  rate: number,
  cap: number,
  cost: number,
  nowMs: number,
) {
  return {
    limit: rate * 60_000,
    remaining: told.remaining,
    cap: Math.floor(cap),
    cost,
    age: nowMs - told.goneAtMs,
    ...(told.expected === null ? {} : { off: told.remaining - told.expected, epoch: told.epoch }),
  }
}
