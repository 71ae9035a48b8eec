import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { createLedger } from '@sluice/engine/ledger/ledger'
import { broken, extracted, inline, options, readAll, testSluice, texts } from './harness.ts'

const echo = ({ text }: { text: string }) => extracted({ text })

const all = {}

describe('a batch', () => {
  test('ends with every item in input order and in the order of completion', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch, created } = await engine.batches.create({ extractor: inline, options }, texts(300))
    expect(created).toBe(true)
    expect(batch).toMatchObject({
      status: 'in_progress',
      counts: { total: 300, waiting: 300, running: 0, succeeded: 0 },
    })
    await sluice.worker(async (request) => {
      await sleep(Math.random() * 10)
      return echo(request)
    })
    const inOrder = await readAll(engine, batch.id)
    expect(inOrder.map((one) => one.index)).toEqual(Array.from({ length: 300 }, (_, i) => i))
    expect(inOrder[7]).toMatchObject({
      id: '7',
      status: 'succeeded',
      data: { text: 'text 7' },
      attempts: 1,
      usage: { input_tokens: 10 },
    })
    const asCompleted = await readAll(engine, batch.id, { order: 'completion' })
    expect(new Set(asCompleted.map((one) => one.index)).size).toBe(300)
    expect(asCompleted.map((one) => one.index)).not.toEqual(inOrder.map((one) => one.index))
    expect(await engine.batches.get(batch.id)).toMatchObject({
      status: 'completed',
      counts: { total: 300, waiting: 0, running: 0, succeeded: 300, failed: 0, cancelled: 0 },
      usage: { calls: 300, repeated_calls: 0, input_tokens: 3_000, output_tokens: 1_500 },
    })
  })

  test('keeps ids and metadata, and its texts are not in the queue', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const items = [
      { id: 'a', text: 'secret one', metadata: { page: 3 } },
      { id: 'b', text: 'secret two' },
    ]
    const { batch } = await engine.batches.create({ extractor: inline, options }, items)
    await sluice.worker(echo)
    expect(await readAll(engine, batch.id)).toMatchObject([
      { index: 0, id: 'a', metadata: { page: 3 } },
      { index: 1, id: 'b' },
    ])
    for (const queue of engine.queues) {
      expect(JSON.stringify(await queue.getJobs(['completed', 'active', 'waiting']))).not.toContain('secret')
    }
  })

  test('does not exist if its items throw', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    async function* failing() {
      yield* texts(200)
      throw new Error('line 201 is bad')
    }
    await expect(engine.batches.create({ extractor: inline, options }, failing())).rejects.toThrow('line 201')
    expect(await engine.batches.list({ limit: 10 })).toEqual({ object: 'list', data: [], has_more: false, next: null })
    expect(await sluice.redis.keys(`${sluice.prefix}:*batch_*`)).toEqual([])
  })

  test('is created once under an idempotency key', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const idempotency = { key: 'k', fingerprint: 'f' }
    const first = await engine.batches.create({ extractor: inline, options, idempotency }, texts(2))
    const second = await engine.batches.create({ extractor: inline, options, idempotency }, texts(2))
    expect(second.created).toBe(false)
    expect(second.batch.id).toBe(first.batch.id)
    await expect(
      engine.batches.create({ extractor: inline, options, idempotency: { key: 'k', fingerprint: 'other' } }, texts(2)),
    ).rejects.toMatchObject({ code: 'idempotency_key_reused', status: 409 })
  })

  test('is created again under its key when it was deleted', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(echo)
    const idempotency = { key: 'import-1', fingerprint: 'same' }
    const make = () => engine.batches.create({ extractor: inline, options, idempotency }, texts(3))
    const { batch } = await make()
    await readAll(engine, batch.id)
    expect(await make()).toMatchObject({ created: false, batch: { id: batch.id, status: 'completed' } })
    await engine.batches.delete(batch.id)
    const again = await make()
    expect(again.created).toBe(true)
    expect(await readAll(engine, again.batch.id)).toHaveLength(3)
  })

  test('that was stored but not begun, because its process died then, begins with the next request under its key', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const idempotency = { key: 'import-3', fingerprint: 'same' }
    const make = () => engine.batches.create({ extractor: inline, options, idempotency }, texts(3))
    const { batch } = await make()
    const k = sluice.keys.lane('default')
    await sluice.redis.hset(sluice.keys.batch(batch.id).meta, 'status', 'staging')
    await sluice.redis.zadd(sluice.keys.stagingBatches, Date.now(), batch.id)
    await sluice.redis.del(k.ready)
    const [again, same] = await Promise.all([make(), make()])
    expect([again.batch.id, same.batch.id]).toEqual([batch.id, batch.id])
    expect(again).toMatchObject({ created: false, batch: { status: 'in_progress' } })
    expect(await sluice.redis.zcard(sluice.keys.stagingBatches)).toBe(0)
    await sluice.worker(() => extracted({}))
    expect(await readAll(engine, batch.id)).toHaveLength(3)
  })

  test('keeps its key from before its start: a repeated request finds it, whatever process died after that', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const idempotency = { key: 'import-2', fingerprint: 'same' }
    const { batch } = await engine.batches.create({ extractor: inline, options, idempotency }, texts(3))
    const [key] = await sluice.redis.keys(`${sluice.prefix}:idempotency:*`)
    expect(await sluice.redis.get(key!)).toBe(`${batch.id} same settled`)
    expect(await sluice.redis.pttl(key!)).toBeGreaterThan(6 * 86_400_000)
    // The key was settled before the batch was sealed, so the process may die at any point after that.
    expect((await engine.batches.create({ extractor: inline, options, idempotency }, texts(3))).created).toBe(false)
  })

  test('that was removed while its items arrived is rejected, and leaves nothing', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    async function* slowly() {
      yield* texts(2_000)
      const [id] = await sluice.redis.zrange(sluice.keys.stagingBatches, '0', '-1')
      await sluice.redis.del(sluice.keys.batch(id!).meta)
      yield { id: 'last', text: 'last' }
    }
    await expect(engine.batches.create({ extractor: inline, options }, slowly())).rejects.toMatchObject({ status: 409 })
    expect(await sluice.redis.keys(`${sluice.prefix}:{batch_*`)).toEqual([])
    expect((await engine.batches.list({ limit: 10 })).data).toEqual([])
  })

  test('has every acknowledged item when it is sealed while more arrive', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    for (let i = 0; i < 25; i += 1) {
      const { id } = (await engine.uploads.open({ extractor: inline, options })).batch
      await engine.uploads.append(id, 0, texts(1))
      const [appended] = await Promise.allSettled([
        engine.uploads.append(id, 1, texts(4).slice(1)),
        sleep(Math.random() * 4, undefined).then(() => engine.uploads.seal(id)),
      ])
      const { counts } = await engine.batches.get(id)
      expect(counts.total).toBe(appended.status === 'fulfilled' ? 4 : 1)
    }
  })

  test('pauses without starting new items, and resumes', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let calls = 0
    await sluice.worker(
      async (request) => {
        calls += 1
        await sleep(20)
        return echo(request)
      },
      { concurrency: 4 },
    )
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(200))
    await expect.poll(() => calls).toBeGreaterThan(10)
    expect(await engine.batches.pause(batch.id)).toMatchObject({ status: 'paused', pause_reason: 'user' })
    await sleep(100)
    const atPause = calls
    await sleep(300)
    expect(calls).toBe(atPause)
    const { counts } = await engine.batches.get(batch.id)
    expect(counts).toMatchObject({ running: 0, waiting: 200 - counts.succeeded })
    await engine.batches.resume(batch.id)
    expect(await readAll(engine, batch.id)).toHaveLength(200)
    expect(calls).toBe(200)
  })

  test('is cancelled at once: calls in flight are aborted and the counts add up', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let started = 0
    let aborted = 0
    await sluice.worker(
      async ({ text }, { signal }) => {
        if (text === 'text 0') return extracted({})
        started += 1
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted += 1
            reject(new Error('aborted'))
          })
        })
      },
      { concurrency: 5 },
    )
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(100))
    await expect.poll(() => started).toBe(5)
    await engine.batches.cancel(batch.id)
    await expect.poll(async () => (await engine.batches.get(batch.id)).status, { timeout: 1_500 }).toBe('cancelled')
    expect(aborted).toBe(5)
    expect((await engine.batches.get(batch.id)).counts).toEqual({
      total: 100,
      waiting: 0,
      running: 0,
      succeeded: 1,
      failed: 0,
      cancelled: 99,
    })
    for (const order of ['input', 'completion'] as const) {
      const results = await readAll(engine, batch.id, { order })
      expect(results).toHaveLength(100)
      expect(results.filter((one) => one.status === 'cancelled')).toHaveLength(99)
      const [tenth] = results.slice(10)
      const rest = await readAll(engine, batch.id, { order, after: tenth!.cursor })
      expect(rest.map((one) => one.index)).toEqual(results.slice(11).map((one) => one.index))
    }
    await expect(engine.batches.resume(batch.id)).rejects.toMatchObject({ status: 409 })
  })

  test('retries its failed items, all or the chosen ones', async () => {
    const sluice = testSluice({ retry: { unavailable: 2, baseMs: 1 } })
    const engine = await sluice.engine()
    let healthy = false
    await sluice.worker(({ text }) => {
      const index = Number(text.slice(5))
      if (healthy || index >= 10) return extracted({ index })
      return index < 4 ? { type: 'refused', message: 'no' } : broken()
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(20))
    const first = await readAll(engine, batch.id)
    expect(first.filter((one) => one.status === 'failed')).toHaveLength(10)
    expect(first[5]).toMatchObject({ error: { type: 'unavailable' }, attempts: 2 })
    healthy = true
    expect((await engine.batches.previewRetry(batch.id, {})).count).toBe(10)
    expect((await engine.batches.get(batch.id)).status).toBe('completed')
    expect(await engine.batches.retry(batch.id, { ...all, items: ['0', '15'] })).toBe(1)
    await expect.poll(async () => (await engine.batches.get(batch.id)).counts.failed).toBe(9)
    expect(await engine.batches.retry(batch.id, { ...all, error_type: 'refused' })).toBe(3)
    expect(await engine.batches.retry(batch.id, all)).toBe(6)
    const last = await readAll(engine, batch.id)
    expect(last.every((one) => one.status === 'succeeded')).toBe(true)
    const completion = await readAll(engine, batch.id, { order: 'completion' })
    expect(new Set(completion.map((one) => one.index)).size).toBe(20)
    expect(completion).toHaveLength(20)
  })

  test('whose retry died half-way is found by the sweeper, or by the next retry', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let healthy = false
    await sluice.worker(({ text }) => (healthy ? extracted({ text }) : { type: 'refused', message: 'no' }))
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(4))
    await readAll(engine, batch.id)
    await expect.poll(() => sluice.redis.sismember(sluice.keys.activeBatches, batch.id), { timeout: 10_000 }).toBe(0)
    healthy = true
    const ledger = createLedger({ redis: sluice.redis, keys: sluice.keys })

    // The state that older versions left, which informed the sweeper only afterwards.
    expect(await ledger.retry(batch.id, [0])).toBe(1)
    expect(await engine.batches.retry(batch.id, { ...all, items: ['0'] })).toBe(0)
    await expect.poll(async () => (await engine.batches.get(batch.id)).counts.succeeded).toBe(1)

    // What a request does before and with its first page; then it dies.
    await sluice.redis.hset(sluice.keys.batch(batch.id).meta, 'retrying_at', Date.now())
    await sluice.redis.sadd(sluice.keys.activeBatches, batch.id)
    await sleep(6_000)
    expect(await ledger.retry(batch.id, [1, 2, 3])).toBe(3)
    const done = async () => (await engine.batches.get(batch.id)).counts.succeeded
    await expect.poll(done, { timeout: 10_000 }).toBe(4)
  }, 40_000)

  test('never has more calls in flight than its concurrency, over two workers, and follows a change', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let now = 0
    let most = 0
    let allowed = 2
    const answer = async () => {
      now += 1
      most = Math.max(most, now)
      // Calls wait for each other, so that as many as are allowed are in flight at once, also on a busy machine.
      await vi.waitUntil(() => most >= allowed, { timeout: 20_000, interval: 5 })
      await sleep(10)
      now -= 1
      return extracted({})
    }
    await sluice.worker(answer)
    await sluice.worker(answer)
    const { batch } = await engine.batches.create(
      { extractor: inline, options: { ...options, concurrency: 2 } },
      texts(120),
    )
    const succeeded = async () => (await engine.batches.get(batch.id)).counts.succeeded
    await expect.poll(succeeded, { timeout: 20_000 }).toBeGreaterThan(30)
    expect(most).toBe(2)
    allowed = 6
    await engine.batches.patch(batch.id, { concurrency: 6 })
    await readAll(engine, batch.id)
    expect(most).toBe(6)
  })

  test('of ten items starts at once although a large one was submitted before', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(async (request) => {
      await sleep(50)
      return echo(request)
    })
    const large = await engine.batches.create({ extractor: inline, options }, texts(2_000))
    await expect.poll(async () => (await engine.batches.get(large.batch.id)).counts.running).toBeGreaterThanOrEqual(10)
    const small = await engine.batches.create({ extractor: inline, options }, texts(10))
    await readAll(engine, small.batch.id)
    const { counts } = await engine.batches.get(large.batch.id)
    expect(counts.succeeded).toBeLessThan(200)
  })

  test('holds only a window of its items as jobs', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(async (request) => {
      await sleep(5)
      return echo(request)
    })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1_500))
    const queue = engine.queues.find((one) => one.name === 'lane-default')
    let most = 0
    while ((await engine.batches.get(batch.id)).status !== 'completed') {
      const counts = await queue!.getJobCounts('wait', 'active', 'delayed', 'prioritized')
      most = Math.max(
        most,
        Object.values(counts).reduce((sum, one) => sum + one, 0),
      )
    }
    expect(most).toBeGreaterThan(5)
    // Concurrency 10 holds 13 items, so the window is 26. 13 more jobs may still be ending after their result is recorded, and a repair
    // (every 15 s) may add jobs for a window of items that end meanwhile.
    expect(most).toBeLessThanOrEqual(26 + 13 + 26)
  })

  test('is deleted with its items and results, and only when it has ended', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(5))
    await expect(engine.batches.delete(batch.id)).rejects.toMatchObject({ code: 'batch_running' })
    await sluice.worker(echo)
    await readAll(engine, batch.id)
    await engine.batches.delete(batch.id)
    await expect(engine.batches.get(batch.id)).rejects.toMatchObject({ status: 404 })
    expect(await sluice.redis.keys(`${sluice.prefix}:{${batch.id}}:*`)).toEqual([])
  })

  test('is removed with its items and results when it expires', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(5))
    await sluice.worker(echo, { retentionMs: 1 })
    await readAll(engine, batch.id)
    await expect
      .poll(() => sluice.redis.keys(`${sluice.prefix}:{${batch.id}}:*`), { timeout: 15_000, interval: 200 })
      .toEqual([])
    expect((await engine.batches.list({ limit: 10 })).data).toEqual([])
  })
})

test('a batch that is deleted while it is changed leaves nothing', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  for (let round = 0; round < 60; round += 1) {
    const { batch } = await engine.uploads.open({ extractor: inline, options })
    const skipped = { count: 1, first: [] }
    await Promise.allSettled([
      engine.batches.patch(batch.id, { priority: 20 }),
      engine.uploads.addSkipped(batch.id, skipped),
      engine.batches.delete(batch.id),
    ])
    expect(await sluice.redis.exists(sluice.keys.batch(batch.id).meta)).toBe(0)
  }
})
