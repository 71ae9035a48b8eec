import { connect, createServer, type AddressInfo } from 'node:net'
import { laneConfig } from '@sluice/contract/lane'
import { expect, onTestFinished, test } from 'vitest'
import { createEngine } from '@sluice/engine/create-engine'
import { extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

/** Passes everything on to Redis, and counts what comes back. */
async function countingProxy(redisUrl: string): Promise<{ url: string; received: () => number }> {
  const { hostname, port } = new URL(redisUrl)
  let bytes = 0
  const server = createServer((client) => {
    const redis = connect(Number(port), hostname)
    client.pipe(redis).pipe(client)
    redis.on('data', (chunk) => (bytes += chunk.length))
    client.on('error', () => redis.destroy())
    redis.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, received: () => bytes }
}

test('followers in the order of the items read each result once, however often they are woken', async () => {
  const sluice = testSluice({ concurrency: 'fixed' })
  const { url, received } = await countingProxy(sluice.redisUrl)
  const lanes = { default: laneConfig.parse({ model: 'test' }) }
  const engine = await createEngine({ redisUrl: url, prefix: sluice.prefix, lanes, onError: () => {} })
  onTestFinished(() => engine[Symbol.asyncDispose]())
  const [items, followers, length] = [300, 20, 3_000]
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(items))
  const before = received()
  const reading = Promise.all(Array.from({ length: followers }, () => readAll(engine, batch.id, {}, 30_000)))
  // The first item is done last: every other one wakes the followers for nothing.
  const others = Promise.withResolvers<void>()
  let done = 0
  await sluice.worker(async ({ text }) => {
    if (text === 'text 0') await others.promise
    done += 1
    if (done === items - 1) others.resolve()
    return extracted({ text: 'x'.repeat(length) })
  })
  for (const results of await reading) expect(results.map(({ index }) => index)).toEqual(texts(items).map((_, i) => i))
  // A result takes 3.1 KB; what is left is for replies without results.
  expect(received() - before).toBeLessThan(1.5 * followers * items * length)
})
