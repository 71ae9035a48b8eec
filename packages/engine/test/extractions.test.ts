import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { extracted, inline, testSluice, type TestSluice } from './harness.ts'

const soon = () => ({ signal: AbortSignal.timeout(30_000) })
const hour = 3_600_000

/** Counts what clients send with keys of this test; what scripts do inside is not counted. */
async function countCommands({ redisUrl, prefix }: TestSluice): Promise<{ count: number }> {
  const { hostname, port } = new URL(redisUrl)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  const counted = { count: 0 }
  const started = Promise.withResolvers<void>()
  createInterface({ input: socket }).on('line', (line) => {
    if (line === '+OK') started.resolve()
    // +1795619348.926269 [0 127.0.0.1:59340] "zadd" ...; scripts have `lua` in place of the address.
    else if (line.includes(prefix) && !/^\+[\d.]+ \[\d+ lua\]/.test(line)) counted.count += 1
  })
  socket.write('MONITOR\r\n')
  await started.promise
  return counted
}

test('a text is extracted with at most 40 commands of Redis, in API and worker together', async () => {
  const sluice = testSluice({ concurrency: 'fixed' })
  const engine = await sluice.engine()
  await sluice.worker(({ text }) => extracted({ text }))
  const run = async (text: string) => engine.extractions.run({ extractor: inline, text, keptMs: hour }, soon())
  await run('first')
  const counted = await countCommands(sluice)
  const times = 20
  for (let i = 0; i < times; i += 1) {
    expect(await run(`text ${i}`)).toMatchObject({
      type: 'result',
      result: { status: 'succeeded', data: { text: `text ${i}` } },
    })
  }
  const isHandled = async () => sluice.redis.scard(sluice.keys.activeBatches)
  await expect.poll(isHandled).toBe(0)
  expect(counted.count).toBeGreaterThan(5 * times)
  expect(counted.count / times).toBeLessThanOrEqual(40)
})

test('an extracted text is an ordinary batch, and is removed after its time', async () => {
  const sluice = testSluice({ concurrency: 'fixed' })
  const engine = await sluice.engine()
  const worker = await sluice.worker(() => extracted({ a: 1 }))
  const done = await engine.extractions.run({ extractor: inline, text: 'a', keptMs: hour }, soon())
  if (done.type !== 'result') throw new Error('There is no result.')
  const { batchId } = done
  await expect.poll(() => sluice.redis.zscore(sluice.keys.expiringBatches, batchId)).not.toBeNull()
  const batch = await engine.batches.get(batchId)
  expect(batch).toMatchObject({ status: 'completed', counts: { total: 1, succeeded: 1 } })
  const expiresAt = Number(await sluice.redis.zscore(sluice.keys.expiringBatches, batchId))
  expect(expiresAt).toBe(Math.round(batch.finished_at! * 1_000) + hour)
  expect((await engine.batches.list({ limit: 20 })).data.map(({ id }) => id)).toEqual([batchId])
  // An hour later.
  await worker.close(0)
  await sluice.redis.zadd(sluice.keys.expiringBatches, Date.now() - 1, batchId)
  await sluice.worker(() => extracted({ a: 1 }))
  await expect.poll(() => sluice.redis.keys(`*{${batchId}}*`)).toEqual([])
  expect((await engine.batches.list({ limit: 20 })).data).toEqual([])
  expect(await sluice.redis.exists(sluice.keys.expiringBatches)).toBe(0)
})

test('a text whose lane is down, or whose wait has ended, is pending, and runs after a resume', async () => {
  const sluice = testSluice({ concurrency: 'fixed' })
  const engine = await sluice.engine()
  const input = { extractor: inline, text: 'a', keptMs: hour }
  const late = await engine.extractions.run(input, { signal: AbortSignal.timeout(50) })
  expect(late).toMatchObject({ type: 'pending', batch: { status: 'in_progress', counts: { total: 1, waiting: 1 } } })
  let works = false
  await sluice.worker(() => (works ? extracted({}) : { type: 'out-of-funds', message: 'no funds' }))
  const paused = await engine.extractions.run(input, soon())
  expect(paused).toMatchObject({ type: 'pending', batch: { status: 'paused' } })
  works = true
  if (paused.type !== 'pending') throw new Error('It is not pending.')
  await engine.batches.resume(paused.batch.id)
  await expect.poll(async () => (await engine.batches.get(paused.batch.id)).status).toBe('completed')
})

test('a text whose process died before its job was added is found and run', async () => {
  const sluice = testSluice({ concurrency: 'fixed' })
  const engine = await sluice.engine()
  const pending = await engine.extractions.run(
    { extractor: inline, text: 'a', keptMs: hour },
    { signal: AbortSignal.timeout(0) },
  )
  if (pending.type !== 'pending') throw new Error('It is not pending.')
  const { id } = pending.batch
  const { redis, keys } = sluice
  // As if the process had died between its two steps, more than ten minutes ago.
  await engine.queues.find(({ name }) => name === 'lane-default')!.obliterate({ force: true })
  await redis.multi().srem(keys.activeBatches, id).zrem(keys.allBatches, id).zadd(keys.stagingBatches, 1, id).exec()
  await sluice.worker(() => extracted({}))
  await expect.poll(async () => (await engine.batches.get(id)).status, { timeout: 60_000 }).toBe('completed')
})
