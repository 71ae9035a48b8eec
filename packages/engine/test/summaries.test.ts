import type { SluiceError } from '@sluice/contract/error'
import type { ExtractRequest, LongTexts } from '@sluice/contract/extract-function'
import type { Outcome } from '@sluice/contract/outcome'
import type { Summary } from '@sluice/contract/summary'
import { describe, expect, test } from 'vitest'
import { createIdempotency } from '@sluice/engine/batches/idempotency'
import { createItemSource } from '@sluice/engine/batches/item-reader'
import { connectWaiting } from '@sluice/engine/redis/connect'
import type { Chunk, Engine, NewSummary } from '@sluice/engine/engine'
import { createLedger } from '@sluice/engine/ledger/ledger'
import { createQueues } from '@sluice/engine/queues/queues'
import { createResults } from '@sluice/engine/batches/results'
import { createEnqueueBatch } from '@sluice/engine/batches/enqueue-batch'
import { createLevelBatches } from '@sluice/engine/summaries/level-batches'
import { createSummaryStore } from '@sluice/engine/summaries/summary-store'
import { createRunSummary } from '@sluice/engine/summaries/run-summary'
import { createChanges } from '@sluice/engine/redis/changes'
import { extracted, inline, options, type TestSluice, testSluice, texts } from './harness.ts'

const recipe = { lane: 'default', instructions: 'In two words.', parameters: {} }
const input: NewSummary = {
  recipe,
  reduceTokens: 3,
  concurrency: undefined,
  priority: 10,
  metadata: { from: 'test' },
  idempotency: undefined,
}

function chunks(text: string): Chunk[] {
  return Array.from(text, (letter, index) => ({ text: letter, start: index, end: index + 1 }))
}

/** Shows how a summary came about: `(a)` of the chunk a, `((a)(b))` of the summaries of a and b. */
function bracket({ text }: ExtractRequest): Outcome {
  return extracted({ summary: `(${text.replaceAll('\n\n', '')})` })
}

/** Every summary is one token. */
const countTokens = (text: string) => (text === '' ? 0 : text.split('\n\n').length)

async function settled(engine: Engine, id: string): Promise<Summary> {
  const signal = AbortSignal.timeout(20_000)
  const summary = await engine.summaries.settled(id, { signal })
  if (signal.aborted) throw new Error(`Not settled within 20 s: ${JSON.stringify(summary)}`)
  return summary
}

function keysOf({ redis, prefix }: TestSluice, id: string): Promise<string[]> {
  return redis.keys(`${prefix}:*${id.replace('summary_', '')}*`)
}

describe('a summary', () => {
  test('goes level by level until one summary is left, and shows all levels', async () => {
    const sluice = testSluice({ prices: { input: 1, output: 1 } })
    const engine = await sluice.engine()
    const asked: ExtractRequest[] = []
    await sluice.worker(
      (request) => {
        asked.push(request)
        return bracket(request)
      },
      { countTokens },
    )
    const { summary, created } = await engine.summaries.create(input, chunks('abcdefgh'))
    expect(created).toBe(true)
    expect(summary).toMatchObject({ status: 'in_progress', summary: null, chunks: [], metadata: { from: 'test' } })
    const done = await settled(engine, summary.id)
    expect(done).toMatchObject({
      status: 'completed',
      percent: 100,
      error: null,
      summary: '(((a)(b)(c))((d)(e)(f))((g)(h)))',
      usage: { calls: 12, repeated_calls: 0, input_tokens: 120, output_tokens: 60 },
    })
    expect(done.cost_usd).toBeCloseTo(180e-6, 9)
    expect(done.levels.map(({ level, counts }) => [level, counts.total, counts.succeeded])).toEqual([
      [1, 8, 8],
      [2, 3, 3],
      [3, 1, 1],
    ])
    expect(done.chunks[2]).toEqual({ index: 2, start: 2, end: 3, summary: '(c)' })
    expect(asked.every(({ extractor }) => extractor.instructions.endsWith('In two words.'))).toBe(true)
    expect(new Set(asked.map(({ extractor }) => extractor.instructions)).size).toBe(2)
    const batches = await engine.batches.list({ limit: 10 })
    expect(batches.data.map(({ extractor, metadata }) => [extractor, metadata['level']])).toEqual([
      ['summary', 3],
      ['summary', 2],
      ['summary', 1],
    ])
    const [job] = await engine.queues.find(({ name }) => name === 'summaries')!.getJobs(['completed'])
    expect(job).toMatchObject({ name: 'summary · 8 chunks', progress: 100, data: { level: 3 } })
  })

  test('of one chunk is the summary of the chunk', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    await sluice.worker(bracket, { countTokens })
    const { summary } = await engine.summaries.create(input, chunks('a'))
    expect(await settled(engine, summary.id)).toMatchObject({ summary: '(a)', usage: { calls: 1 }, cost_usd: null })
  })

  test('sends each chunk whole, also on a lane that splits long texts', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const cut: string[] = []
    const longTexts: LongTexts = {
      async cut(_extractor, text) {
        cut.push(text)
        return null
      },
      join: () => ({ valid: false, errors: ['Nothing was cut.'] }),
    }
    await sluice.worker(bracket, { countTokens, longTexts })
    const { summary } = await engine.summaries.create(input, chunks('ab'))
    expect(await settled(engine, summary.id)).toMatchObject({ summary: '((a)(b))' })
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
    await expect.poll(async () => (await engine.batches.get(batch.id)).status).toBe('completed')
    expect(cut).toEqual(['text 0'])
  })

  test('fails clearly with a chunk, keeps finished calls, and can be retried', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let works = false
    const calls = new Map<string, number>()
    await sluice.worker(
      (request) => {
        calls.set(request.text, (calls.get(request.text) ?? 0) + 1)
        return request.text === 'b' && !works ? { type: 'refused', message: 'I would rather not.' } : bracket(request)
      },
      { countTokens },
    )
    const { summary } = await engine.summaries.create(input, chunks('abc'))
    const failed = await settled(engine, summary.id)
    expect(failed).toMatchObject({ status: 'failed', error: { type: 'refused' }, summary: null })
    expect(failed.error?.message).toMatch(
      /^1 of 3 calls failed, the first at chunk 1 \(batch 'batch_\w+-level1'\): .*rather not/,
    )
    expect(failed.percent).toBeLessThan(100)
    await expect(engine.summaries.cancel(summary.id)).rejects.toMatchObject({ code: 'summary_state', status: 409 })

    works = true
    expect(await engine.summaries.retry(summary.id)).toMatchObject({ status: 'in_progress', error: null })
    expect(await settled(engine, summary.id)).toMatchObject({ status: 'completed', summary: '((a)(b)(c))' })
    expect([calls.get('a'), calls.get('b'), calls.get('c')]).toEqual([1, 2, 1])
    await expect(engine.summaries.retry(summary.id)).rejects.toMatchObject({ code: 'summary_state' })
  })

  test('fails when the batch of a level is cancelled or deleted', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const created = await Promise.all(['ab', 'cd'].map((text) => engine.summaries.create(input, chunks(text))))
    const [cancelled, deleted] = created.map(({ summary }) => summary)
    await engine.batches.cancel(cancelled!.levels[0]!.batch_id)
    await engine.batches.cancel(deleted!.levels[0]!.batch_id)
    await engine.batches.delete(deleted!.levels[0]!.batch_id)
    await sluice.worker(bracket, { countTokens })
    const failed = { status: 'failed', error: { type: 'cancelled' } }
    expect(await settled(engine, cancelled!.id)).toMatchObject(failed)
    const gone = await settled(engine, deleted!.id)
    expect(gone).toMatchObject(failed)
    expect(gone.error?.message).toMatch(/of level 1 was deleted/)
  })

  test('is paused with its lane, and resumes', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let funds = false
    await sluice.worker((request) => (funds ? bracket(request) : { type: 'out-of-funds', message: 'No money left.' }), {
      countTokens,
    })
    const { summary } = await engine.summaries.create(input, chunks('abc'))
    const paused = await settled(engine, summary.id)
    expect(paused).toMatchObject({ status: 'paused', pause_reason: expect.stringContaining('No money left') as string })
    funds = true
    await engine.batches.resume(paused.levels.at(-1)!.batch_id)
    expect(await settled(engine, summary.id)).toMatchObject({ status: 'completed', pause_reason: null })
  })

  test('is cancelled with its calls, is not deleted while it runs, and leaves nothing after its deletion', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    let begun = 0
    await sluice.worker(async (_request, { signal }) => {
      begun += 1
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
      return extracted({})
    })
    const { summary } = await engine.summaries.create(input, chunks('abc'))
    await expect.poll(() => begun).toBe(3)
    await expect(engine.summaries.delete(summary.id)).rejects.toMatchObject({ code: 'summary_running', status: 409 })
    expect(await engine.summaries.cancel(summary.id)).toMatchObject({ status: 'cancelled' })
    expect(await engine.summaries.cancel(summary.id)).toMatchObject({ status: 'cancelled' })
    const batchId = summary.levels[0]!.batch_id
    await expect.poll(async () => (await engine.batches.get(batchId)).status, { timeout: 5_000 }).toBe('cancelled')
    await engine.summaries.delete(summary.id)
    await expect(engine.summaries.get(summary.id)).rejects.toMatchObject({ code: 'summary_not_found', status: 404 })
    // What BullMQ keeps of ended jobs goes by itself.
    expect((await keysOf(sluice, summary.id)).filter((key) => !key.includes(':queue:'))).toEqual([])
    expect((await engine.batches.list({ limit: 10 })).data).toEqual([])
  })

  test('is created once under an idempotency key', async () => {
    const engine = await testSluice().engine()
    const idempotency = { key: 'k', fingerprint: 'f' }
    const first = await engine.summaries.create({ ...input, idempotency }, chunks('ab'))
    const second = await engine.summaries.create({ ...input, idempotency }, chunks('ab'))
    expect([second.created, second.summary.id]).toEqual([false, first.summary.id])
    await expect(
      engine.summaries.create({ ...input, idempotency: { key: 'k', fingerprint: 'other' } }, chunks('ab')),
    ).rejects.toMatchObject({ code: 'idempotency_key_reused' })
    expect((await engine.batches.list({ limit: 10 })).data).toHaveLength(1)
  })

  test('is created once when the same request comes several times at once; a request that comes too early is asked to wait', async () => {
    const sluice = testSluice()
    const { redis, keys } = sluice
    const engine = await sluice.engine()
    const half = { key: 'half', fingerprint: 'f' }
    await redis.hset(keys.summary('summary_half').meta, { status: 'staging' })
    await createIdempotency({ redis, keys }).take(half, 'summary_half', { find: async () => null, metaKey: String })
    await expect(engine.summaries.create({ ...input, idempotency: half }, chunks('ab'))).rejects.toMatchObject({
      code: 'idempotency_in_progress',
    })
    const idempotency = { key: 'k', fingerprint: 'f' }
    const atOnce = await Promise.allSettled(
      Array.from({ length: 5 }, () => engine.summaries.create({ ...input, idempotency }, chunks('ab'))),
    )
    const made = atOnce.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(made.filter(({ created: mine }) => mine)).toHaveLength(1)
    expect(new Set(made.map(({ summary: { id } }) => id)).size).toBe(1)
    const refused = atOnce.flatMap((one) => (one.status === 'rejected' ? [one.reason as SluiceError] : []))
    expect(refused.filter(({ code }) => code !== 'idempotency_in_progress')).toEqual([])
  })

  test('run by several processes at once makes and pays each call once', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { summary } = await engine.summaries.create(input, chunks('abcdefghijklmnopqrstuvwxyz'))
    const calls: string[] = []
    await sluice.worker(
      (request) => {
        calls.push(request.text)
        return bracket(request)
      },
      { countTokens },
    )
    // Beside the worker's own, as after a stall.
    await using others = await openRunner(sluice)
    const run = () => others.run(summary.id, { signal: AbortSignal.timeout(20_000), onProgress: async () => {} })
    await Promise.all([run(), run(), run()])
    const done = await settled(engine, summary.id)
    expect(done.levels.map(({ counts }) => counts.total)).toEqual([26, 9, 3, 1])
    expect(done.summary?.replaceAll(/[()]/g, '')).toBe('abcdefghijklmnopqrstuvwxyz')
    expect(calls).toHaveLength(26 + 9 + 3 + 1)
  })

  test('whose creator or worker died is continued by the sweeper', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { summary } = await engine.summaries.create(input, chunks('abc'))
    // As when the maker dies before it has added the job and begun the batch.
    await engine.queues.find(({ name }) => name === 'summaries')!.obliterate({ force: true })
    await sluice.worker(bracket, { countTokens })
    expect(await settled(engine, summary.id)).toMatchObject({ status: 'completed' })
  })

  test('keeps the batches of its levels until it expires itself', async () => {
    const sluice = testSluice()
    const engine = await sluice.engine()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await sluice.worker(
      async (request) => {
        if (request.text.includes('\n\n')) await released
        return bracket(request)
      },
      { countTokens, retentionMs: 1 },
    )
    const { summary } = await engine.summaries.create(input, chunks('abc'))
    const levelOne = summary.levels[0]!.batch_id
    await expect.poll(async () => (await engine.batches.get(levelOne)).status).toBe('completed')
    // A batch of its own that ends after level 1 is swept before it.
    const { batch } = await engine.batches.create({ extractor: inline, options }, texts(1))
    const isGone = (get: Promise<unknown>) =>
      get.then(
        () => false,
        (error: unknown) => (error as { status?: number }).status === 404,
      )
    await expect.poll(() => isGone(engine.batches.get(batch.id)), { timeout: 15_000 }).toBe(true)
    expect(await isGone(engine.batches.get(levelOne))).toBe(false)
    release()
    await expect.poll(() => isGone(engine.summaries.get(summary.id)), { timeout: 15_000 }).toBe(true)
    expect(await isGone(engine.batches.get(levelOne))).toBe(true)
  })
})

async function openRunner({ redisUrl, redis, keys }: TestSluice) {
  const queues = createQueues({ redis, keys, onError() {} })
  const changes = createChanges({ subscriber: await connectWaiting(redisUrl, () => {}, { subscribes: true }) })
  const enqueueBatch = createEnqueueBatch({ redis, keys, queue: queues.batches() })
  const run = createRunSummary({
    redis,
    keys,
    changes,
    ledger: createLedger({ redis, keys }),
    results: createResults({ redis, keys, changes, items: createItemSource({ redis, keys }) }),
    levels: createLevelBatches({ redis, keys, enqueueBatch }),
    store: createSummaryStore({ redis, keys }),
    onEnded: async () => {},
    estimateTokens: () => (request) => ({ input: 'text' in request ? countTokens(request.text) : 0, mostOutput: null }),
  })
  return {
    run,
    async [Symbol.asyncDispose]() {
      await queues[Symbol.asyncDispose]()
      await changes[Symbol.asyncDispose]()
    },
  }
}
