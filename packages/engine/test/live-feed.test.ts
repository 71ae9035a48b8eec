import type { Engine, LiveEvent } from '@sluice/engine/engine'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createBatchFinder } from '@sluice/engine/batches/find-batch'
import { createLiveFeed } from '@sluice/engine/insight/live-feed'
import { createChanges } from '@sluice/engine/redis/changes'
import { Redis } from 'ioredis'
import { extracted, inline, options, testSluice, type TestSluice, texts } from './harness.ts'

interface Seen {
  readonly name: LiveEvent['name']
  readonly data: { readonly id: string; readonly object: string; readonly status?: string; readonly counts?: object }
}

/** Collects the events of a client in `seen`, until the test ends or `leave` is called. */
async function listen(engine: Engine, batchId: string | null = null) {
  const left = new AbortController()
  onTestFinished(() => left.abort())
  const seen: Seen[] = []
  const events = await engine.live.open(batchId, { signal: left.signal })
  const reading = (async () => {
    for await (const { name, json } of events) seen.push({ name, data: JSON.parse(json) as Seen['data'] })
  })()
  const of = (id: string) => seen.filter(({ data }) => data.id === id)
  return { seen, of, leave: () => left.abort(), reading }
}

const create = async (engine: Engine, count = 3) =>
  (await engine.batches.create({ extractor: inline, options }, texts(count))).batch.id

describe('the stream of everything at work', () => {
  test('shows a new batch, its progress, its end and its removal', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { of, seen } = await listen(engine)
    await expect.poll(() => seen.filter(({ name }) => name === 'lane')).toHaveLength(1)
    const id = await create(engine)
    await expect
      .poll(() => of(id).at(-1), { timeout: 5_000 })
      .toMatchObject({
        name: 'batch',
        data: { status: 'in_progress', counts: { total: 3, waiting: 3 } },
      })
    await sluice.worker(() => extracted({}))
    await expect
      .poll(() => of(id).at(-1)?.data, { timeout: 10_000 })
      .toMatchObject({
        status: 'completed',
        counts: { succeeded: 3 },
      })
    await engine.batches.delete(id)
    await expect.poll(() => of(id).at(-1), { timeout: 5_000 }).toEqual({ name: 'gone', data: { object: 'batch', id } })
  })

  test('shows a summary with the batches of its levels, without the summaries of its parts', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { of } = await listen(engine)
    await sluice.worker(() => extracted({ summary: 'short' }))
    const recipe = { lane: 'default', instructions: '', parameters: {} }
    const input = {
      recipe,
      reduceTokens: 1_000,
      concurrency: undefined,
      priority: 10,
      metadata: {},
      idempotency: undefined,
    }
    const chunks = [0, 1].map((start) => ({ text: `part ${start}`, start, end: start + 1 }))
    const { summary } = await engine.summaries.create(input, chunks)
    await expect
      .poll(() => of(summary.id).at(-1)?.data, { timeout: 15_000 })
      .toMatchObject({
        object: 'summary',
        status: 'completed',
        summary: 'short',
        chunks: [],
      })
    const level = `${summary.id.replace('summary', 'batch')}-level1`
    await expect.poll(() => of(level).at(-1)?.data.status, { timeout: 5_000 }).toBe('completed')
  })

  test('narrowed to a batch shows it at once, and no other', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const [id, other] = [await create(engine), await create(engine)]
    const { of, seen } = await listen(engine, id)
    await expect.poll(() => of(id)).toHaveLength(1)
    await engine.batches.pause(id)
    await engine.batches.pause(other)
    await expect.poll(() => of(id).at(-1)?.data.status, { timeout: 5_000 }).toBe('paused')
    expect(of(other)).toEqual([])
    expect(new Set(seen.map(({ name }) => name))).toEqual(new Set(['batch', 'lane']))
    await expect(engine.live.open('batch_none', { signal: AbortSignal.timeout(1_000) })).rejects.toThrow(/no batch/)
  })

  test('is read once for many clients, and not at all when the last one has left', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const id = await create(engine)
    const { live, commands } = await countedFeed(sluice)
    const clients = Array.from({ length: 20 }, () => new AbortController())
    const first = await Promise.all(
      clients.map(async ({ signal }) => (await live.open(null, { signal }))[Symbol.asyncIterator]().next()),
    )
    expect(first.map(({ value }) => (JSON.parse((value as LiveEvent).json) as { id: string }).id)).toEqual(
      clients.map(() => id),
    )
    expect(commands.get('psubscribe')).toBe(2)
    expect(commands.get('zrevrange')).toBeLessThanOrEqual(2)
    for (const client of clients) client.abort()
    await expect.poll(() => commands.get('punsubscribe')).toBe(2)
    const before = new Map(commands)
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(commands).toEqual(before)
    // The next client starts it again.
    const again = new AbortController()
    onTestFinished(() => again.abort())
    const events = await live.open(id, { signal: again.signal })
    expect(((await events[Symbol.asyncIterator]().next()).value as LiveEvent).name).toBe('batch')
  })
})

/** The stream over connections that count their commands. */
async function countedFeed({ redisUrl, keys }: TestSluice) {
  const commands = new Map<string, number>()
  const connect = () => {
    const redis = new Redis(redisUrl)
    const send = redis.sendCommand.bind(redis)
    redis.sendCommand = (command, ...rest) => {
      commands.set(command.name, (commands.get(command.name) ?? 0) + 1)
      return send(command, ...rest)
    }
    onTestFinished(() => redis.disconnect())
    return redis
  }
  const redis = connect()
  const finder = createBatchFinder({
    redis,
    keys,
    isPriced: () => false,
    hasLane: () => true,
    readPulse: () => Promise.resolve(null),
  })
  const live = createLiveFeed({
    redis,
    keys,
    finder,
    changes: createChanges({ subscriber: connect() }),
    summaries: { glance: () => Promise.resolve(null) },
    readLanes: () => Promise.resolve([]),
    onError(error) {
      throw error
    },
  })
  await redis.ping()
  return { live, commands }
}
