import { setTimeout as sleep } from 'node:timers/promises'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { expect, onTestFinished, test } from 'vitest'
import { extracted, inline, options, type TestSluice, testSluice, texts } from './harness.ts'

/** All commands, also those of scripts. */
async function commandsOf({ redis }: TestSluice): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
}

/** Commands for each item when so many batches are on a lane, from the worker's start to the last result. */
async function commandsPerItem(batches: number, itemsEach: number): Promise<number> {
  const server = await startOwnRedis()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const sluice = testSluice({}, server.url)
  const engine = await sluice.engine()
  const create = async () => engine.batches.create({ extractor: inline, options }, texts(itemsEach))
  const created = await Promise.all(Array.from({ length: batches }, create))
  const before = await commandsOf(sluice)
  await sluice.worker(() => extracted({}), { concurrency: 50 })
  const isDone = async () => (await sluice.redis.scard(sluice.keys.activeBatches)) === 0
  await expect.poll(isDone, { timeout: 100_000, interval: 500 }).toBe(true)
  const commands = (await commandsOf(sluice)) - before
  const ended = await Promise.all(created.map(async ({ batch }) => engine.batches.get(batch.id)))
  expect(ended.every(({ counts }) => counts.succeeded === itemsEach)).toBe(true)
  return commands / (batches * itemsEach)
}

test('a batch on a lane with many others takes its own commands, however many the others are', async () => {
  const [one, many] = [await commandsPerItem(1, 2_250), await commandsPerItem(150, 15)]
  console.error(`${one.toFixed(1)} commands for each item of one batch, ${many.toFixed(1)} of 150 batches.`)
  // Each batch has its own turn, job and end, and its 15 items share fewer steps of the ledger: some 270 commands.
  expect((many - one) * 15).toBeLessThan(400)
})

test('batches that wait for a full lane cost a few commands a second together', async () => {
  const server = await startOwnRedis()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const sluice = testSluice({}, server.url)
  const engine = await sluice.engine()
  const create = async () => engine.batches.create({ extractor: inline, options }, texts(5))
  const batches = await Promise.all(Array.from({ length: 400 }, create))
  await Promise.all(batches.slice(0, 100).map(async ({ batch }) => engine.batches.pause(batch.id)))
  let calls = 0
  await sluice.worker(async (_request, { signal }) => {
    calls += 1
    await sleep(600_000, undefined, { signal })
    return extracted({})
  })
  await expect.poll(() => calls).toBe(10)
  await sleep(8_000)
  const before = await commandsOf(sluice)
  await sleep(10_000)
  const perSecond = ((await commandsOf(sluice)) - before) / 10
  console.error(`${perSecond.toFixed(0)} commands a second with 300 waiting and 100 paused batches.`)
  // Before one feeder had all batches of a lane: 16 for each batch, so 6,400.
  expect(perSecond).toBeLessThan(1_200)
})
