import { expect, test } from 'vitest'
import { createAdmission } from '@sluice/engine/batches/admission'
import { createEngine } from '@sluice/engine/create-engine'
import { createWorker } from '@sluice/engine/create-worker'
import { Redis } from 'ioredis'
import { laneConfig } from '@sluice/contract/lane'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { extracted, inline, options, readAll } from './harness.ts'

test('near the memory limit new work is rejected without a trace, and running work continues to its end', async () => {
  await using server = await startOwnRedis()
  const redis = new Redis(server.url)
  await redis.config('SET', 'maxmemory', '64mb')
  const errors: string[] = []
  const common = {
    redisUrl: server.url,
    prefix: 'full',
    lanes: { default: laneConfig.parse({ model: 'm' }) },
    onError: (error: Error) => errors.push(error.message),
  }
  const engine = await createEngine(common)
  const noise = () =>
    Array.from({ length: 200 }, (_, i) => ({
      id: String(i),
      text: Array.from({ length: 1_000 }, () => Math.random().toString(36)).join(''),
    }))
  try {
    const first = await engine.batches.create({ extractor: inline, options }, noise())
    const fill = async () => {
      for (let tries = 0; tries < 50; tries += 1) await engine.batches.create({ extractor: inline, options }, noise())
    }
    const refused: unknown = await fill().catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'redis_full', status: 503, retryAfterS: 30 })
    const listed = await engine.batches.list({ limit: 100 })
    const stored = await redis.keys('full:{batch_*}:blocks')
    expect(stored).toHaveLength(listed.data.length)

    const worker = await createWorker({
      ...common,
      concurrency: 10,
      retentionMs: null,
      provider: () => ({
        estimateTokens: () => ({ input: 1, mostOutput: null }),
        extract: async () => ({
          outcome: extracted({ ok: true }),
          usage: { input_tokens: 1, output_tokens: 1 },
          cachedInputTokens: 0,
          raw: '{}',
          limits: null,
          latencyMs: 1,
        }),
      }),
    })
    for (const batch of listed.data) expect(await readAll(engine, batch.id, {}, 120_000)).toHaveLength(200)
    await worker.close(0)
    expect(errors).toEqual([])
    await engine.batches.delete(first.batch.id)
    for (const batch of listed.data.slice(0, -1)) await engine.batches.delete(batch.id)
    await expect
      .poll(() =>
        createAdmission({ redis, isPriced: () => false })
          .check()
          .then(() => 'taken'),
      )
      .toBe('taken')
  } finally {
    await engine[Symbol.asyncDispose]()
    redis.disconnect()
  }
}, 240_000)
