import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '@sluice/contract/outcome'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTcpProxy } from '../../../test/chaos/tcp-proxy.ts'
import { broken, extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

/** What a lane holds beyond its calls in flight: 20 of 25 calls, or 5 of 25 where a limit lets 5 begin. */
const lanes = [
  ['for a slot', { concurrency: 'fixed' as const }, 20],
  ['for the quota', { concurrency: 'fixed' as const, maxInFlight: 5 }, 5],
] as const

/** What a process has after its grace (packages/process/src/stop-on-signals.ts). */
const allowedMs = 5_000

describe('a worker that stops', () => {
  test.each(lanes)(
    'begins no call for items that wait %s, hands them back at once, and nothing is paid twice',
    async (_, lane, begun) => {
      const items = 60
      const sluice = testSluice(lane)
      const engine = await sluice.engine()
      let made = 0
      let holds = false
      const free = Promise.withResolvers<void>()
      const answer = async () => {
        made += 1
        if (holds) await free.promise
        return extracted({ ok: true })
      }
      const worker = await sluice.worker(answer, { concurrency: 20 })
      // A lane that has had answers lets more calls begin at once.
      const earlier = await engine.batches.create({ extractor: inline, options }, texts(60))
      await readAll(engine, earlier.batch.id)
      made = 0
      holds = true
      const { batch } = await engine.batches.create({ extractor: inline, options }, texts(items))
      const runs = () => sluice.redis.hlen(sluice.keys.batch(batch.id).runs)
      await expect.poll(() => made).toBe(begun)
      await expect.poll(runs).toBe(25)

      const closed = worker.close(20_000)
      // What has not begun is handed back while the calls in flight have their grace.
      await expect.poll(runs).toBe(begun)
      await sleep(200)
      expect(made).toBe(begun)
      free.resolve()
      await closed
      expect(made).toBe(begun)
      expect((await engine.batches.get(batch.id)).counts).toMatchObject({ succeeded: begun, failed: 0 })

      await sluice.worker(answer, { concurrency: 20 })
      await readAll(engine, batch.id)
      expect(made).toBe(items)
      expect((await engine.batches.get(batch.id)).usage).toMatchObject({ calls: items, repeated_calls: 0 })
    },
  )

  test('begins no call when it is stopped at any moment of its start', async () => {
    const sluice = testSluice({ concurrency: 'fixed' })
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(100))
    let made = 0
    let stopped = false
    let afterStop = 0
    const answer = async () => {
      made += 1
      if (stopped) afterStop += 1
      await sleep(5)
      return extracted({ ok: true })
    }
    for (let delayMs = 0; delayMs < 60; delayMs += 7) {
      stopped = false
      const worker = await sluice.worker(answer, { concurrency: 4 })
      await sleep(delayMs)
      stopped = true
      await worker.close(5_000)
    }
    expect(afterStop).toBe(0)
    stopped = false
    await sluice.worker(answer, { concurrency: 20 })
    await readAll(engine, batch.id)
    expect(made).toBe(100)
    expect((await engine.batches.get(batch.id)).usage).toMatchObject({ calls: 100, repeated_calls: 0 })
  })

  const endings: [string, () => Outcome][] = [
    ['has an answer that must be asked again', () => ({ type: 'invalid-output', errors: ['/a: is missing'] })],
    ['failed and is tried again after a pause', () => broken()],
    [
      'met a limit and waits for it',
      () => ({ type: 'rate-limited', message: 'slow down', retryAfterMs: 50, scope: null }),
    ],
  ]
  test.each(endings)('leaves an item whose call %s to the next worker, with what it has used', async (_, first) => {
    const sluice = testSluice({ concurrency: 'fixed', retry: { baseMs: 20 } })
    const engine = await sluice.engine()
    const free = Promise.withResolvers<void>()
    let made = 0
    let stopped = false
    const worker = await sluice.worker(async () => {
      made += 1
      expect(stopped).toBe(false)
      await free.promise
      return first()
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(6))
    await expect.poll(() => made).toBe(6)
    const closed = worker.close(20_000)
    stopped = true
    free.resolve()
    await closed
    expect(made).toBe(6)
    let madeByNext = 0
    await sluice.worker(() => {
      madeByNext += 1
      return extracted({ ok: true })
    })
    const results = await readAll(engine, batch.id)
    expect(results.map(({ status }) => status)).toEqual(Array(6).fill('succeeded'))
    expect(madeByNext).toBe(6)
    expect((await engine.batches.get(batch.id)).usage.repeated_calls).toBe(0)
  })

  test.each(['is away', 'is silent', 'is away, and comes back'])('ends in its time while Redis %s', async (how) => {
    const server = await startOwnRedis()
    const port = Number(new URL(server.url).port)
    const proxy = await startTcpProxy({ host: '127.0.0.1', port })
    onTestFinished(async () => {
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    })
    const url = how === 'is silent' ? `redis://127.0.0.1:${proxy.port}` : server.url
    const sluice = testSluice({ concurrency: 'fixed' }, url, server.url)
    const engine = await sluice.engine()
    const called = Promise.withResolvers<void>()
    const worker = await sluice.worker(
      async (_request, { signal }) => {
        called.resolve()
        await sleep(60_000, undefined, { signal })
        return extracted({ ok: true })
      },
      { concurrency: 4 },
    )
    await engine.batches.create({ extractor: inline, options }, texts(20))
    await called.promise
    if (how === 'is silent') proxy.goSilent()
    else {
      await server.kill()
      // BullMQ's connections try to connect again, and have done so at least once.
      await expect.poll(() => sluice.errors.map(({ message }) => message).join()).toContain('ECONN')
      if (how === 'is away, and comes back') await server.start()
    }
    const began = performance.now()
    await worker.close(200)
    expect(performance.now() - began).toBeLessThan(200 + allowedMs)
    if (how === 'is away') await server.start()
    proxy.goOn()
  })
})
