import { randomBytes } from 'node:crypto'
import type { Call, LimitSample, Outcome } from '@sluice/contract/outcome'
import { createQuota } from '@sluice/engine/quota/create-quota'
import { exchange } from '@sluice/engine/quota/exchange'
import { fc } from '../../../../test/support/property.ts'
import { Redis } from 'ioredis'
import { afterAll, expect, inject, test } from 'vitest'
import { createRandom } from './random.ts'
import { createVirtualTime } from './virtual-time.ts'

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null })
afterAll(() => redis.disconnect())

const startMs = 1_790_000_000_000
const longestWaitMs = 3_000
const callMs = 200
const atOnce = 6

const number = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(1e4, 192_000, 1e8, 1e12))
const header = fc.record({
  unit: fc.constantFrom('requests' as const, 'tokens' as const),
  // At least what a call takes: what never fits is refused at once.
  limit: fc.option(number.map((limit) => limit + 40)),
  remaining: fc.option(number),
  resetMs: fc.option(fc.constantFrom(0, 5, 700, 3_000, 60_000, 3e9, 1e13)),
  resetStepMs: fc.constantFrom(1, 1_000),
  periodMs: fc.option(fc.constantFrom(1_000, 60_000)),
})
const answer = fc.record({
  headers: fc.option(fc.array(header, { maxLength: 2 })),
  refused: fc.boolean(),
  retryAfterMs: fc.option(fc.constantFrom(0, 40, 900, 1e12)),
  /** How many calls get this answer. */
  times: fc.integer({ min: 1, max: 5 }),
})

/**
 * The provider says anything at all: limits that jump by orders of magnitude, resets of years, refusals without a reason. What it may do is
 * make the lane wait, for as long as it says and as the configuration allows. Otherwise a call goes within a second.
 */
test('whatever a provider says, a lane with nothing in flight and no wait that was asked for sends a call within a second', async () => {
  // On a busy machine fewer sequences are tried. Each that began ends, or it would use Redis after the test.
  const untilMs = performance.now() + 80_000
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 8 }), fc.integer(), async (script, seed) => {
      if (performance.now() > untilMs) return
      const still = await longestStill(script, seed)
      // A second, and two exchanges.
      expect(still).toBeLessThan(1_100)
    }),
    { numRuns: 60 },
  )
}, 120_000)

async function longestStill(script: readonly Answer[], seed: number): Promise<number> {
  const random = createRandom(seed)
  const time = createVirtualTime(random, startMs)
  const stop = new AbortController()
  const key = `test-${randomBytes(5).toString('hex')}:{lane-test}:limits`
  const answers = script.flatMap((one) => Array.from({ length: one.times }, () => one))
  let inFlight = 0
  /** Since then nothing is in flight and no wait that was asked for holds. */
  let freeSinceMs = startMs
  let longest = 0
  let refusals = 0
  const reported = new Map<string, number>()
  const quotas = [0, 1].map(() =>
    createQuota({
      redis,
      key,
      limits: [],
      longestWaitMs,
      clock: time.clock,
      onError(error) {
        throw error
      },
      async send(model, message) {
        await time.sleep(1)
        return time.during(exchange(redis, key, model, message, { clock: time.clock.now() }))
      },
    }),
  )
  const loop = async (quota: (typeof quotas)[number]) => {
    while (answers.length > 0) {
      const reservation = await quota.reserve({ model: 'model', tokens: 40 }, { signal: stop.signal })
      if (inFlight === 0) longest = Math.max(longest, time.clock.now() - Math.max(freeSinceMs, ...reported.values()))
      inFlight += 1
      await time.sleep(callMs)
      const call = toCall(answers.shift() ?? script.at(-1)!)
      listen(call)
      quota.settle(reservation, call)
      inFlight -= 1
      freeSinceMs = time.clock.now()
    }
  }
  for (let i = 0; i < atOnce; i += 1) void loop(quotas[i % 2]!).catch(() => {})
  await time.runUntil(startMs + 3_600_000, () => answers.length === 0)
  stop.abort()
  for (const quota of quotas) await quota[Symbol.asyncDispose]()
  await redis.del(key)
  expect(answers).toHaveLength(0)
  return longest

  /** Until when the provider asked the lane to wait: what it asked for, and what its headers say of a limit that is used up. */
  function listen({ outcome, limits }: Call): void {
    const nowMs = time.clock.now()
    if (outcome.type === 'rate-limited') {
      refusals += 1
      // Without an instant: what the lane waits by itself, at most a minute.
      const ms = outcome.retryAfterMs ?? Math.min(60_000, 500 * 2 ** refusals)
      reported.set('refused', Math.max(reported.get('refused') ?? 0, nowMs + Math.min(longestWaitMs, ms)))
    } else {
      refusals = 0
    }
    for (const limit of limits ?? []) {
      // A call may have been found to take many times what is counted.
      const most = limit.unit === 'requests' ? 5 : 50 * 50
      if (limit.remaining !== null && limit.remaining > most) continue
      const ms = limit.resetMs ?? limit.periodMs ?? 60_000
      reported.set(limit.name, Math.max(reported.get(limit.name) ?? 0, nowMs + Math.min(longestWaitMs, ms)))
    }
  }
}

type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never

function toCall({ headers, refused, retryAfterMs }: Answer): Call {
  const limits: LimitSample | null = headers?.map((one) => ({ name: one.unit, ...one })) ?? null
  const outcome: Outcome = refused
    ? { type: 'rate-limited', message: '', retryAfterMs, scope: null }
    : { type: 'extracted', data: {} }
  return {
    outcome,
    usage: { input_tokens: refused ? 0 : 40, output_tokens: 0 },
    cachedInputTokens: 0,
    raw: null,
    limits,
    latencyMs: callMs,
  }
}
