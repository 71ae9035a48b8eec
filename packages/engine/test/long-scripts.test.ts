import { readdirSync, readFileSync } from 'node:fs'
import { laneConfig } from '@sluice/contract/lane'
import { appendBlock, noteOnBatch, sealBatch } from '@sluice/engine/batches/batch-steps'
import { createBatchFinder } from '@sluice/engine/batches/find-batch'
import { forgetBatch } from '@sluice/engine/batches/forget-batch'
import { createEngine } from '@sluice/engine/create-engine'
import type { Engine } from '@sluice/engine/engine'
import { newBatchMeta, packBatchMeta } from '@sluice/engine/ledger/batch-meta'
import { createLedger, type Ledger, noExpectedCost } from '@sluice/engine/ledger/ledger'
import { readDone, readRange } from '@sluice/engine/ledger/result-pages'
import { noCost, noTries } from '@sluice/engine/ledger/run'
import { selectFailed } from '@sluice/engine/ledger/select-failed'
import { createKeys, itemsPerShard, type Keys } from '@sluice/engine/redis/keys'
import { loadScript } from '@sluice/engine/redis/script'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { inline, options, testSluice, texts } from './harness.ts'

/** On a machine that runs the yardstick in `yardstickMs`. */
const longMs = 20
/**
 * The same work takes a busy machine up to twice its time of a processor (12.8 to 28.2 ms at a load of 16 on 2 cores), by chance. A step
 * that is too long is so each time, so it fails only if it is long in so many runs.
 */
const runs = 3
const timeout = 240_000
const yardstick = `for i = 1, 10000 do redis.call('HSET', 'yardstick', i % 1000, i) end redis.call('DEL', 'yardstick')`
const yardstickMs = 13
const [waiting, open, all] = [300_000, 250_000, 300_000]
const batchId = 'batch_large'
const result = { status: 'succeeded', data: {}, usage: { input_tokens: 1, output_tokens: 1 }, attempts: 1 }

/**
 * Fills keys in Redis: to send a million entries would take longer than what is measured. Each function of `fills` fills one kind of key
 * for the items 0 to ARGV[1] - 1 of the batch whose keys begin with ARGV[2].
 */
const prelude = `
  local n, base = tonumber(ARGV[1]), ARGV[2]
  local function of(key, i) local s = math.floor(i / ${itemsPerShard}); return base .. key .. (s == 0 and '' or ':' .. s) end
`
const fills = {
  /** All wait for the text of item 0. */
  chains: `redis.call('HSET', of('chains', 0), 'last:0', n - 1)
    for i = 1, n - 1 do redis.call('HSET', of('chains', i), i, i == 1 and '' or i - 1) end`,
  open: `for i = 0, n - 1 do redis.call('HSET', base .. 'open', i, 5) end`,
  calls: `for i = 0, n - 1 do redis.call('HSET', base .. 'calls', i, 'run.' .. i .. '|100') end`,
  requeue: `for i = 0, n - 1 do redis.call('RPUSH', base .. 'requeue', i) end`,
  failed: `for i = 0, n - 1 do
      redis.call('HSET', of('results', i), i, i .. '|{"status":"failed","error":{"type":"refused","message":""},"attempts":1}')
      redis.call('RPUSH', of('done', i), i) redis.call('SADD', of('failed', i), i)
    end`,
  others: `for i = 0, n - 1 do
      redis.call('HSET', of('twins', i), 'hash' .. i, i) redis.call('SADD', base .. 'unsettled', i)
      redis.call('HSET', base .. 'overtaken', 'call' .. i, 1) redis.call('HSET', base .. 'tries', i, '{}')
      redis.call('HSET', base .. 'runs', i, 'run') redis.call('ZADD', base .. 'parked', 0, i) redis.call('SADD', base .. 'releasing', i)
      redis.call('XADD', of('blocks', i), (i + 1) .. '-0', 'z', 'x')
    end`,
}

interface Measured {
  readonly redis: Redis
  /** The same, and every command through it is measured. */
  readonly watched: Redis
  readonly keys: Keys
  readonly engine: Engine
  readonly ledger: Ledger
  readonly fill: (kind: keyof typeof fills, count: number, id?: string) => Promise<unknown>
  /** Time of a processor that each step took Redis, in ms. Not time by the clock: other programs would count. */
  readonly times: ReadonlyMap<string, readonly number[]>
  /** How much longer than expected this machine takes for the same work. */
  readonly slowness: number
}

/** The sources of all scripts that were measured. */
const ran = new Set<string>()

/** A Redis for this test alone, and a ledger whose every script is measured. */
async function measured(): Promise<Measured> {
  const own = await startOwnRedis()
  onTestFinished(() => own[Symbol.asyncDispose]())
  const redis = new Redis(own.url)
  onTestFinished(() => redis.disconnect())
  const keys = createKeys('test')
  const lanes = { default: laneConfig.parse({ model: 'test' }) }
  const engine = await createEngine({ redisUrl: own.url, prefix: 'test', lanes, onError: () => {} })
  onTestFinished(() => engine[Symbol.asyncDispose]())
  const cpuMs = async () => {
    const info = await redis.info('cpu')
    const seconds = (kind: string) => Number(new RegExp(`^used_cpu_${kind}_main_thread:(.*)`, 'm').exec(info)![1])
    return 1_000 * (seconds('user') + seconds('sys'))
  }
  const yardsticks: number[] = []
  for (let i = 0; i < 5; i += 1) {
    const before = await cpuMs()
    await redis.eval(yardstick, 0)
    yardsticks.push((await cpuMs()) - before)
  }
  const slowness = Math.max(1, Math.min(...yardsticks) / yardstickMs)
  const times = new Map<string, number[]>()
  const measure = async (name: string, act: () => Promise<unknown>) => {
    const before = await cpuMs()
    const reply = await act()
    const ms = (await cpuMs()) - before
    times.set(name, [...(times.get(name) ?? []), ms])
    return reply
  }
  type Act = (...args: unknown[]) => Promise<unknown>
  const watch = <T extends object>(client: T): T =>
    new Proxy(client, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function' || typeof name !== 'string') return value
        if (name === 'multi' || name === 'pipeline') return () => watch((value as () => object).call(target))
        const act = (value as Act).bind(target)
        const sends = client instanceof Redis ? !/Stream$|^(on|off|once|emit)$/.test(name) : name === 'exec'
        if (!sends) return client instanceof Redis ? act : (...args: unknown[]) => (act(...args), watch(target))
        return (...args: unknown[]) => {
          if (name === 'eval') ran.add(String(args[0]))
          return measure(`${name} ${String(args[0]).slice(0, 150)}`, () => act(...args))
        }
      },
    })
  const watched = watch(redis)
  const fill: Measured['fill'] = (kind, count, id = batchId) =>
    redis.eval(prelude + fills[kind], 0, count, `test:{${id}}:`)
  return { redis, watched, keys, engine, ledger: createLedger({ redis: watched, keys }), fill, times, slowness }
}

/** Fails if `act` makes a step that is long each time that it is run, on a Redis of its own. */
async function expectShortSteps(act: (it: Measured) => Promise<void>): Promise<void> {
  let long = new Map<string, number>()
  for (let run = 1; run <= runs; run += 1) {
    const it = await measured()
    await act(it)
    expect(it.times.size).toBeGreaterThan(0)
    const now = longSteps(it)
    long = run === 1 ? now : new Map([...now].filter(([name]) => long.has(name)))
    if (long.size === 0) return
  }
  expect([...long].map(([name, ms]) => `${name} took ${ms} ms`)).toEqual([])
}

/** Of a step that ran hundreds of times, one in a hundred may be longer: Redis writes its file or resizes a table meanwhile. */
function longSteps({ times, slowness }: Measured): Map<string, number> {
  const last = [...times].map(([name, all]) => {
    const ms = all.toSorted((x, y) => x - y)[Math.ceil(0.99 * all.length) - 1]!
    return [name, ms / slowness] as const
  })
  return new Map(last.filter(([, ms]) => ms >= longMs))
}

/** A batch of 300,000 items of which nothing is stored but its hash. */
async function largeBatch({ redis, keys }: Measured, fields: Parameters<typeof packBatchMeta>[0] = {}) {
  const k = keys.batch(batchId)
  const meta = { ...newBatchMeta(inline, options), status: 'in_progress', total: all, next: all } as const
  await redis.hset(k.meta, packBatchMeta({ ...meta, ...fields }))
  return k
}

test(
  'no step is long when 300,000 items wait for the text of one, and all of them come back',
  { timeout },
  async () => {
    await expectShortSteps(async (it) => {
      const { redis, ledger, fill } = it
      const k = await largeBatch(it, { deduplicate: true, total: waiting, next: 0 })
      const { items } = await ledger.feed(batchId, { places: 1, most: 1 })
      const run = { batchId, index: 0, feed: items[0]!.feed, token: 'run' }
      expect((await ledger.take(run, { keepsTime: true, textHash: 'hash' })).type).toBe('taken')
      await fill('chains', waiting)
      await redis.hset(k.meta, 'next', waiting)
      // One more joins them, and goes back to them later.
      await redis.hset(k.open, '299999', '77')
      expect(await ledger.record(run, 'succeeded', result, noCost, 'settled', { textHash: 'hash' })).toBe('recorded')
      await redis.hdel(k.open, '299999')
      // The process that recorded it may die here: who feeds the batch goes on.
      const fed = new Set<number>()
      let left = 1
      while (left > 0) {
        const feed = await ledger.feed(batchId, { places: 500, most: 1_000_000 })
        for (const { index } of feed.items) fed.add(index)
        left = feed.left
      }
      expect(fed.size).toBe(waiting - 1)
      expect(await redis.exists(k.chains, `${k.chains}:1`, k.releasing, k.requeue)).toBe(0)
    })
  },
)

test(
  'no step is long when many items with large results are taken, called and recorded at once, and others wait for each of their texts',
  { timeout },
  async () => {
    await expectShortSteps(async (it) => {
      const { redis, ledger, fill } = it
      const k = await largeBatch(it, { deduplicate: true })
      await fill('open', open)
      const runs = Array.from({ length: 200 }, (_, index) => ({ batchId, index, feed: 5, token: `run ${index}` }))
      const together = { ...result, data: { text: 'x'.repeat(20_000) } }
      const taken = await Promise.all(
        runs.map((run) => ledger.take(run, { keepsTime: true, textHash: `hash ${run.index}` })),
      )
      expect(new Set(taken.map(({ type }) => type))).toEqual(new Set(['taken']))
      await Promise.all(runs.map((run) => ledger.openCall(run, noExpectedCost)))
      // A thousand items wait for each of the first hundred.
      await redis.eval(
        `for first = 0, 99 do
          for i = 0, 999 do redis.call('HSET', ARGV[1], 1000 + first * 1000 + i, i == 0 and '' or 999 + first * 1000 + i) end
          redis.call('HSET', ARGV[1], 'last:' .. first, 1999 + first * 1000)
        end`,
        0,
        k.chains,
      )
      await redis.hset(k.meta, { items_per_shard: all })
      const recorded = await Promise.all(
        runs.map((run) =>
          ledger.record(run, 'succeeded', together, noCost, 'settled', { textHash: `hash ${run.index}` }),
        ),
      )
      expect(new Set(recorded)).toEqual(new Set(['recorded']))
      expect(await redis.hlen(k.open)).toBe(open - runs.length)
    })
  },
)

test(
  'no step is long when a batch with 250,000 items in the window is paused, resumed and cancelled',
  { timeout },
  async () => {
    await expectShortSteps(async (it) => {
      const { redis, engine, ledger, fill } = it
      const k = await largeBatch(it)
      await fill('open', open)
      // One item is on a worker: it stays.
      await redis.hset(k.runs, '7', 'run')
      await ledger.pause(batchId, 'user')
      expect(await redis.hkeys(k.open)).toEqual(['7'])
      expect(await redis.llen(k.requeue)).toBe(open - 1)
      await ledger.resume(batchId)
      await fill('open', open)
      await fill('chains', all)
      await ledger.cancel(batchId)
      expect(await redis.hkeys(k.open)).toEqual(['7'])
      expect(await redis.exists(k.requeue, k.chains, `${k.chains}:4`)).toBe(0)
      expect((await engine.batches.get(batchId)).status).toBe('cancelling')
      await ledger.letGo({ batchId, index: 7, feed: 5, token: 'run' }, 'cancel')
      expect((await engine.batches.get(batchId)).status).toBe('cancelled')
    })
  },
)

test(
  'no step is long when a cancelled batch with 250,000 calls in flight ends, whose lane is gone',
  { timeout },
  async () => {
    await expectShortSteps(async (it) => {
      const { redis, ledger, fill } = it
      const k = await largeBatch(it, { status: 'cancelling' })
      await Promise.all([fill('open', open), fill('calls', open)])
      expect(await ledger.endCancelled(batchId)).toBe('cancelled')
      expect(await redis.exists(k.open, k.calls)).toBe(0)
      expect(await redis.hlen(k.overtaken)).toBe(open)
    })
  },
)

test('no step is long when 300,000 failed items are read, chosen, retried, fed and run', { timeout }, async () => {
  await expectShortSteps(async (it) => {
    const { redis, watched, keys, ledger, fill } = it
    const k = await largeBatch(it, { status: 'completed', failed: all, done_shard: 4 })
    await fill('failed', all)
    for (const from of [0, 65_400, 150_000, all - 100]) {
      expect((await readDone(watched, k, from))?.seen).toBeGreaterThanOrEqual(100)
      for (const holes of ['skip', 'stop', 'only'] as const) {
        expect((await readRange(watched, k, from, holes))?.seen).toBeGreaterThanOrEqual(100)
      }
    }
    const finder = createBatchFinder({
      redis: watched,
      keys,
      isPriced: () => false,
      hasLane: () => true,
      readPulse: async () => null,
    })
    expect((await finder.get(batchId)).stored_bytes).toBeGreaterThan(all * 50)
    let retried = 0
    for await (const indexes of selectFailed(watched, k, { error_type: 'refused' })) {
      retried += (await ledger.retry(batchId, indexes)) ?? 0
    }
    expect(retried).toBe(all)
    expect(await redis.llen(k.requeue)).toBe(all)
    const { items } = await ledger.feed(batchId, { places: 500, most: 500 })
    const [one, two] = items.map(({ index, feed }) => ({ batchId, index, feed, token: 'run', call: `run.${index}` }))
    for (const run of [one!, two!]) {
      expect((await ledger.take(run, { keepsTime: false })).type).toBe('taken')
      expect(await ledger.openCall(run, noExpectedCost)).toBe('opened')
      expect(await ledger.closeCall(run, noTries, noCost, 'settled')).toBe('closed')
    }
    expect(await ledger.record(one!, 'failed', result, noCost, 'settled')).toBe('recorded')
    expect(await ledger.letGo(two!, 'requeue')).toBe('done')
  })
})

test(
  'no step is long when 300,000 items are uploaded and sealed, and when everything of them is removed',
  { timeout },
  async () => {
    await expectShortSteps(async (it) => {
      const { redis, watched, keys, fill } = it
      const k = await largeBatch(it, { status: 'uploading', next: 0, done_shard: 4 })
      await fill('others', 120_000)
      await fill('failed', all)
      await fill('requeue', all)
      const block = { start: all, end: all + 1, bytes: Buffer.from('x') }
      expect(await appendBlock(watched, k, block)).toBe('staged')
      expect(await noteOnBatch(watched, k, { priority: 3 })).toBe('noted')
      expect(await sealBatch(watched, k)).toBe('sealed')
      await forgetBatch(watched, keys, batchId)
      expect(await redis.keys('*batch_large*')).toEqual([])
    })
  },
)

test('no step is long when a worker is dead that held 20,000 items', { timeout }, async () => {
  await expectShortSteps(async (it) => {
    const { redis, watched } = it
    const script = loadScript(new URL('../src/recovery/release-locks.lua', import.meta.url))
    const jobIds = Array.from({ length: 1_000 }, (_, i) => `batch_large.${i}.1`)
    await redis.mset(...jobIds.flatMap((jobId) => [`q:${jobId}:lock`, 'worker:1']))
    const locks = { stalled: 'q:stalled', stalledCheck: 'q:stalled-check' }
    expect(await script(watched, locks, { workerId: 'worker', jobPrefix: 'q:', jobIds })).toBe(1_000)
    expect(await redis.scard('q:stalled')).toBe(1_000)
  })
})

test('a pause that broke off half-way is completed by the next one, or by the workers', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const ledger = createLedger(sluice)
  const { batch } = await engine.batches.create({ extractor: inline, options }, texts(3))
  const { items } = await ledger.feed(batch.id, { places: 3, most: 3 })
  // The process died after the first step.
  await sluice.redis.hset(sluice.keys.batch(batch.id).meta, { status: 'paused', pause_reason: 'user' })
  const run = { batchId: batch.id, index: 0, feed: items[0]!.feed, token: 'run' }
  await ledger.take(run, { keepsTime: false })
  const noPrice = { inputNanoUsd: 0, outputTokenNanoUsd: 0, mostOutputTokens: null }
  expect(await ledger.openCall(run, noPrice)).toBe('paused')
  expect(await ledger.letGo(run, 'requeue')).toBe('done')
  expect(await ledger.pause(batch.id, 'user')).toBe('paused')
  expect(await sluice.redis.exists(sluice.keys.batch(batch.id).open)).toBe(0)
  expect(await sluice.redis.lrange(sluice.keys.batch(batch.id).requeue, 0, -1)).toEqual(['1', '2', '0'])
})

// Last: it looks at what the tests above ran, so it fails when it runs alone.
test('every script that touches the items of a batch was measured above', () => {
  const source = new URL('../src/', import.meta.url)
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.lua'))
  const code = (lua: string) => lua.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('--'))
  const ofBatches = files.filter((file) => {
    const [, names = ''] = /^-- KEYS: (.*)$/m.exec(readFileSync(new URL(file, source), 'utf8')) ?? []
    return names.split(', ').some((name) => name !== 'meta' && name in createKeys('').batch('')) || names === 'meta'
  })
  const missed = ofBatches.filter((file) => {
    const lines = code(readFileSync(new URL(file, source), 'utf8'))
    return ![...ran].some((sent) => lines.every((line) => sent.includes(line)))
  })
  // Those touch nothing that grows with a batch.
  expect(missed.toSorted()).toEqual([
    'batches/stage-one.lua',
    'files/move-upload.lua',
    'ledger/note-event.lua',
    'ledger/sample.lua',
    'summaries/move.lua',
    'summaries/open-level.lua',
  ])
})
