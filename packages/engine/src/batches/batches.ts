import { type Batch, isEnded } from '@sluice/contract/batch'
import { conflict, invalidRequest, notFound, SluiceError } from '@sluice/contract/error'
import type { Item } from '@sluice/contract/item'
import type { ChainableCommander, Redis } from 'ioredis'
import type { Admission } from './admission.ts'
import { createBatchId, isBatchId } from './batch-id.ts'
import { type BatchMeta, newMeta, toBatch, toNanoUsd } from './batch-view.ts'
import { packBlocks, stageBlock } from './blocks.ts'
import type { Batches, NewBatch } from '../engine.ts'
import { forgetBatch } from './forget-batch.ts'
import type { Idempotency, Makes } from './idempotency.ts'
import type { Keys } from '../redis/keys.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { loadScript } from '../redis/script.ts'
import { byUser, isOfLane } from '../ledger/pause-reason.ts'
import { selectFailed } from '../ledger/select-failed.ts'
import type { StartBatch } from './begin-batch.ts'
import type { Wakes } from '../redis/changes.ts'

const seal = loadScript(new URL('../ledger/seal.lua', import.meta.url))
const note = loadScript(new URL('../ledger/note.lua', import.meta.url))

/** A block is about 20 KB on the wire: 16 of them go in one round trip. */
const blocksPerFlush = 16
/** How often a batch that is being staged is told to live: items may come slowly. */
const stagingBeatMs = 5_000

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
}: BatchesDependencies): Batches & {
  readonly checkOptions: (input: NewBatch) => void
  readonly makes: Makes<Batch>
} {
  const makes: Makes<Batch> = { find, metaKey: (id) => keys.batch(id).meta }

  return {
    checkOptions,
    makes,

    async create(input, items) {
      checkOptions(input)
      const id = createBatchId(Date.now())
      const claim = input.idempotency
      const earlier = claim && (await idempotency.take(claim, id, makes))
      if (earlier) return { batch: earlier, created: false }
      try {
        await stage(id, input, items)
      } catch (error) {
        // Should Redis be away, the sweeper does this later, and the key goes with its batch.
        await Promise.allSettled([forgetBatch(redis, keys, id), claim && idempotency.release(claim, id)])
        throw error
      }
      await startBatch(id)
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
      requireBatchId(id)
      const was = await ledger.pause(id, byUser)
      return acted(id, was, ['in_progress', 'paused'], 'pause')
    },

    async resume(id) {
      requireBatchId(id)
      const was = await ledger.resume(id)
      if (was === 'paused' || was === 'in_progress') await start(id)
      return acted(id, was, ['paused', 'in_progress'], 'resume')
    },

    async resumeLane(lane) {
      let count = 0
      for (const id of await redis.smembers(keys.activeBatches)) {
        const [status, of, reason] = await redis.hmget(keys.batch(id).meta, 'status', 'lane', 'pause_reason')
        if (status !== 'paused' || of !== lane || !isOfLane(reason)) continue
        if ((await ledger.resume(id)) === 'paused') count += 1
        await start(id)
      }
      return count
    },

    async cancel(id) {
      requireBatchId(id)
      const was = await ledger.cancel(id)
      return acted(id, was, ['in_progress', 'paused', 'cancelling', 'cancelled'], 'cancel')
    },

    async retry(id, selection) {
      const { status } = await get(id)
      if (status === 'cancelled' || status === 'cancelling') throw cancelled(id)
      let count = 0
      for await (const indexes of selectFailed(redis, keys.batch(id), selection)) {
        if (selection.dry_run) {
          count += indexes.length
          continue
        }
        // From here on the sweeper looks after the batch, should this process die before the end.
        await note(redis, [keys.batch(id).meta], ['retrying_at', Date.now()])
        await redis.sadd(keys.activeBatches, id)
        const retried = await ledger.retry(id, indexes)
        if (retried === null) throw cancelled(id)
        count += retried
      }
      // Also when nothing is left to retry: an earlier request may have died at this point.
      if (!selection.dry_run && !isEnded((await get(id)).status)) await start(id)
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
    if (!isBatchId(id)) return null
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

  /** Harmless for a batch that is at work already. */
  async function start(id: string): Promise<void> {
    await redis.sadd(keys.activeBatches, id)
    await startBatch(id)
  }

  async function get(id: string): Promise<Batch> {
    const found = await find(id)
    if (found === null) throw notFound('batch', id)
    return found
  }

  /** Nobody sees the batch until it is sealed; one that is never sealed is swept away. */
  async function stage(
    id: string,
    { extractor, options, skipped, idempotency: claim }: NewBatch,
    items: AsyncIterable<Item> | Iterable<Item>,
  ): Promise<void> {
    await admission.check()
    const k = keys.batch(id)
    const beat = async () => {
      await redis.zadd(keys.stagingBatches, Date.now(), id)
      if (claim) await idempotency.renew(claim, id)
    }
    // In this order, but in one write to disk.
    await Promise.all([beat(), redis.hset(k.meta, newMeta(extractor, options))])
    let beating = Promise.resolve()
    const timer = setInterval(() => {
      // One that fails is seen by the writes beside it.
      beating = beat().catch(() => {})
    }, stagingBeatMs)
    try {
      await stageItems(id, items)
    } finally {
      clearInterval(timer)
      await beating
    }
    await redis.multi().sadd(keys.activeBatches, id).zadd(keys.allBatches, 0, id).exec()
    const left = skipped?.()
    if (left !== undefined) await redis.hset(k.meta, 'skipped', JSON.stringify(left))
    // Before the batch begins: else a death in between would free the key of a batch that runs.
    if (claim) await idempotency.settle(claim, id)
    const sealed = await seal(redis, [k.meta, k.blocks], [Date.now()])
    if (sealed === -1) throw invalidRequest('invalid_request', 'items: A batch has at least one item.', 'items')
    if (sealed === 0) {
      const message = 'The batch was removed while its items came: send them again.'
      throw new SluiceError('conflict_error', 'batch_removed', message, { retryAfterS: 1 })
    }
    await redis.zrem(keys.stagingBatches, id)
  }

  async function stageItems(id: string, items: AsyncIterable<Item> | Iterable<Item>): Promise<void> {
    let pipeline = redis.pipeline()
    for await (const block of packBlocks(items)) {
      stageBlock(pipeline, keys.batch(id).blocks, block)
      if (pipeline.length < blocksPerFlush) continue
      await run(pipeline)
      await admission.check()
      pipeline = redis.pipeline()
    }
    await run(pipeline)
  }

  async function acted(id: string, was: string, fine: readonly string[], verb: string): Promise<Batch> {
    if (was === 'gone') throw notFound('batch', id)
    if (!fine.includes(was)) throw conflict('batch_state', `Batch '${id}' is ${was}: it cannot ${verb} now.`)
    return get(id)
  }
}

function requireBatchId(id: string): void {
  if (!isBatchId(id)) throw notFound('batch', id)
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
