import { type Batch, isEnded } from '@sluice/contract/batch'
import { conflict, invalidRequest, notFound, type SluiceError } from '@sluice/contract/error'
import type { Item } from '@sluice/contract/item'
import type { ChainableCommander, Redis } from 'ioredis'
import type { Admission } from './admission.ts'
import { createBatchId } from './batch-id.ts'
import { type BatchMeta, newMeta, toBatch, toNanoUsd } from './batch-view.ts'
import { packBlocks, stageBlock } from './blocks.ts'
import type { Batches, NewBatch } from './engine.ts'
import { forgetBatch } from './forget-batch.ts'
import { type Idempotency, idempotencyInProgress } from './idempotency.ts'
import type { Keys } from './keys.ts'
import type { Ledger } from './ledger/ledger.ts'
import { loadScript } from './lua.ts'
import { selectFailed } from './select-failed.ts'
import type { StartBatch } from './start-batch.ts'
import type { Wakes } from './wake.ts'

const seal = loadScript(new URL('ledger/seal.lua', import.meta.url))

/** A block is about 20 KB on the wire: 16 of them go in one round trip. */
const blocksPerFlush = 16
/** Items may come slowly, as out of documents: in between, what is staged must not look left, nor its idempotency key free (60 s). */
const renewMs = 5_000

export interface BatchesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ledger: Ledger
  readonly wakes: Wakes
  /** Puts the batch's feeding job in the `batches` queue; harmless when it is there. */
  readonly startBatch: StartBatch
  /** Resolves when what was written is on disk. */
  readonly confirm: () => Promise<void>
  readonly isPriced: (lane: string) => boolean
  readonly admission: Admission
  readonly idempotency: Idempotency
}

export function createBatches({
  redis,
  keys,
  ledger,
  wakes,
  startBatch,
  confirm,
  isPriced,
  admission,
  idempotency,
}: BatchesDependencies): Batches & { readonly checkOptions: (input: NewBatch) => void } {
  return {
    checkOptions,

    async create(input, items) {
      checkOptions(input)
      const id = createBatchId(Date.now())
      const claim = input.idempotency
      const earlierId = claim && (await idempotency.claim(claim, id))
      if (earlierId) return { batch: await earlier(earlierId), created: false }
      const renewing = setInterval(() => void renew(id, claim), renewMs)
      try {
        await stage(id, input, items).finally(() => clearInterval(renewing))
      } catch (error) {
        // Should Redis be away, the sweeper and the claim's end do this later.
        await Promise.allSettled([forgetBatch(redis, keys, id), claim && idempotency.release(claim)])
        throw error
      }
      await startBatch(id)
      if (claim) await idempotency.settle(claim, id)
      await confirm()
      return { batch: await get(id), created: true }
    },

    get,

    async list({ after, limit, status }) {
      const data: Batch[] = []
      let last = after
      // One more than asked for tells whether there are more.
      while (data.length <= limit) {
        const ids = await redis.zrevrangebylex(
          keys.allBatches,
          last === undefined ? '+' : `(${last}`,
          '-',
          'LIMIT',
          0,
          100,
        )
        if (ids.length === 0) break
        const page = await Promise.all(ids.map((id) => find(id)))
        data.push(...(page.filter((one) => one !== null && (status === undefined || one.status === status)) as Batch[]))
        last = ids.at(-1)
      }
      return { object: 'list', data: data.slice(0, limit), has_more: data.length > limit }
    },

    async patch(id, { concurrency, priority, max_cost_usd }) {
      const { lane } = await get(id)
      if (max_cost_usd !== undefined && max_cost_usd !== null) requirePrices(lane)
      const k = keys.batch(id)
      const fields = {
        ...(concurrency === undefined ? {} : { concurrency: concurrency === null ? '' : String(concurrency) }),
        ...(priority === undefined ? {} : { priority: String(priority) }),
        ...(max_cost_usd === undefined ? {} : { max_cost_nano_usd: toNanoUsd(max_cost_usd) }),
      }
      if (Object.keys(fields).length > 0) await redis.multi().hset(k.meta, fields).publish(k.wake, 'changed').exec()
      return get(id)
    },

    async pause(id) {
      const was = await ledger.pause(id, 'user')
      return acted(id, was, ['in_progress', 'paused'], 'pause')
    },

    async resume(id) {
      const was = await ledger.resume(id)
      return acted(id, was, ['paused', 'in_progress'], 'resume')
    },

    async cancel(id) {
      const was = await ledger.cancel(id)
      return acted(id, was, ['in_progress', 'paused', 'cancelling', 'cancelled'], 'cancel')
    },

    async retry(id, selection) {
      const { status } = await get(id)
      if (status === 'cancelled' || status === 'cancelling') throw cancelled(id)
      let count = 0
      for await (const indexes of selectFailed(redis, keys.batch(id), selection)) {
        const retried = selection.dry_run ? indexes.length : await ledger.retry(id, indexes)
        if (retried === null) throw cancelled(id)
        count += retried
      }
      if (count === 0 || selection.dry_run) return count
      await redis.sadd(keys.activeBatches, id)
      await startBatch(id)
      return count
    },

    async delete(id) {
      const { status } = await get(id)
      if (!isEnded(status) && status !== 'uploading')
        throw conflict('batch_running', `Batch '${id}' is ${status}: cancel it first, or wait for its end.`)
      await forgetBatch(redis, keys, id)
    },

    async *watch(id, { intervalMs, signal }) {
      const first = await get(id)
      using wake = await wakes.listen(keys.batch(id).wake)
      yield first
      let last = JSON.stringify(first)
      let batch = first
      while (!isEnded(batch.status) && !signal.aborted) {
        await wake.wait(1_000, signal)
        await pausedFor(intervalMs, signal)
        if (signal.aborted) return
        const found = await find(id)
        if (found === null) return
        batch = found
        const text = JSON.stringify(batch)
        if (text === last) continue
        last = text
        yield batch
      }
    },
  }

  /** Where Redis is away, staging itself fails. */
  async function renew(id: string, claim: NewBatch['idempotency']): Promise<void> {
    await Promise.allSettled([
      redis.zadd(keys.stagingBatches, 'XX', Date.now(), id),
      claim && idempotency.renew(claim, id),
    ])
  }

  function checkOptions({ extractor, options }: NewBatch): void {
    if (options.max_cost_usd !== undefined) requirePrices(extractor.lane)
  }

  function requirePrices(lane: string): void {
    if (isPriced(lane)) return
    throw invalidRequest(
      'unknown_prices',
      `max_cost_usd: The lane '${lane}' has no prices: give it \`prices\` in sluice.config.ts.`,
      'max_cost_usd',
    )
  }

  function cancelled(id: string): SluiceError {
    return conflict('batch_cancelled', `Batch '${id}' was cancelled: its items cannot be retried. Submit them anew.`)
  }

  async function find(id: string): Promise<Batch | null> {
    const k = keys.batch(id)
    const [[, meta], [, open], [, running], ...sizes] = (await redis
      .multi()
      .hgetall(k.meta)
      .hlen(k.open)
      .hlen(k.calls)
      .memory('USAGE', k.blocks)
      .memory('USAGE', k.results)
      .exec()) as [[null, BatchMeta], [null, number], [null, number], ...[Error | null, number | null][]]
    if (meta['status'] === undefined || meta['status'] === 'staging') return null
    const bytes = sizes.some(([error]) => error !== null) ? null : sizes.reduce((sum, [, size]) => sum + (size ?? 0), 0)
    return toBatch(id, { meta, open, running, bytes, priced: isPriced(meta['lane'] ?? '') })
  }

  async function get(id: string): Promise<Batch> {
    const found = await find(id)
    if (found === null) throw notFound('batch', id)
    return found
  }

  /** Nobody sees the batch until it is sealed; one that is never sealed is swept away. */
  async function stage(
    id: string,
    { extractor, options, skipped }: NewBatch,
    items: AsyncIterable<Item> | Iterable<Item>,
  ): Promise<void> {
    await admission.check()
    const k = keys.batch(id)
    await redis.zadd(keys.stagingBatches, Date.now(), id)
    await redis.hset(k.meta, newMeta(extractor, options))
    let total = 0
    let pipeline = redis.pipeline()
    for await (const block of packBlocks(items)) {
      stageBlock(pipeline, k.blocks, block)
      total = block.end
      if (pipeline.length < blocksPerFlush) continue
      await run(pipeline)
      await admission.check()
      pipeline = redis.pipeline()
    }
    await run(pipeline)
    if (total === 0) throw invalidRequest('invalid_request', 'items: A batch has at least one item.', 'items')
    await redis.multi().sadd(keys.activeBatches, id).zadd(keys.allBatches, 0, id).exec()
    const left = skipped?.()
    if (left !== undefined) await redis.hset(k.meta, 'skipped', JSON.stringify(left))
    await seal(redis, [k.meta], [total, Date.now()])
    await redis.zrem(keys.stagingBatches, id)
  }

  async function acted(id: string, was: string, fine: readonly string[], verb: string): Promise<Batch> {
    if (was === 'gone') throw notFound('batch', id)
    if (!fine.includes(was)) throw conflict('batch_state', `Batch '${id}' is ${was}: it cannot ${verb} now.`)
    return get(id)
  }

  /** The batch that another request made, or is making, under the same idempotency key. */
  async function earlier(id: string): Promise<Batch> {
    const made = await find(id)
    if (made !== null) return made
    throw idempotencyInProgress()
  }
}

/** ioredis resolves a pipeline whose commands failed: here the first failure is thrown. */
async function run(pipeline: ChainableCommander): Promise<void> {
  if (pipeline.length === 0) return
  const failed = (await pipeline.exec())?.find(([error]) => error !== null)
  if (failed?.[0]) throw failed[0]
}

function pausedFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}
