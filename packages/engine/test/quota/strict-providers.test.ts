import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, expect, inject, test } from 'vitest'
import { createRandom } from './random.ts'
import { createStrictProvider, randomRules, type StrictRules } from './strict-provider.ts'
import { createVirtualLane, laneStartMs } from './virtual-lane.ts'

const redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: null })
afterAll(() => redis.disconnect())

const runMs = 20_000
const latencyMs = 300
const concurrency = 200
const callTokens = 63

/**
 * Providers that are put together at random: shape and size of the limits, header names and formats, what is charged and when, other
 * clients, limits that change. `SEEDS=40 FROM=1` runs more of them and prints a line for each.
 */
const from = Number(process.env['FROM'] ?? 1)
const count = Number(process.env['SEEDS'] ?? 6)
const prints = process.env['SEEDS'] !== undefined

test.each(Array.from({ length: count }, (_, i) => from + i))(
  'whatever provider seed %i makes, the lane goes on and most calls are admitted',
  async (seed) => {
    const rules = randomRules(createRandom(seed * 7_919))
    const { used, refused, made, longestStillMs } = await measure(rules, seed)
    if (prints) {
      const percent = (100 * refused).toFixed(2)
      console.log(`seed ${seed}: used ${used.toFixed(3)}, refused ${percent} %, made ${made}, ${JSON.stringify(rules)}`)
    }
    expect(used).toBeGreaterThan(0.4)
    expect(refused).toBeLessThan(0.25)
    // The longest that one of these providers asks to wait, a second until the lane looks, and a call.
    expect(longestStillMs).toBeLessThan(12_500)
  },
  300_000,
)

async function measure(rules: StrictRules, seed: number) {
  const provider = createStrict(rules, seed)
  await using lane = createVirtualLane({
    redis,
    key: `test-${randomBytes(5).toString('hex')}:{lane-test}:limits`,
    provider,
    concurrency,
    seed,
    tokens: () => callTokens,
    latencyMs,
  })
  const run = await lane.run(runMs)
  const used = provider.admitted / callTokens / callsOfIdeal(rules, seed)
  return { used, refused: run.refused / run.made, made: run.made, longestStillMs: run.longestStillMs }
}

/** Calls of a client that knows everything, in the same time. */
function callsOfIdeal(rules: StrictRules, seed: number): number {
  const provider = createStrict({ ...rules, chargesRefusals: false }, seed)
  const ends: number[] = []
  for (let nowMs = laneStartMs; nowMs < laneStartMs + runMs; nowMs += 1) {
    while (ends[0] !== undefined && ends[0] <= nowMs) {
      ends.shift()
      provider.finish(callTokens, nowMs)
    }
    while (ends.length < concurrency && provider.arrive(callTokens, nowMs) === null) ends.push(nowMs + latencyMs)
  }
  return provider.admitted / callTokens
}

function createStrict(rules: StrictRules, seed: number) {
  return createStrictProvider(rules, {
    startMs: laneStartMs,
    changeAtMs: laneStartMs + runMs / 2,
    random: createRandom(seed),
  })
}
