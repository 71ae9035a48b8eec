import type { Batch } from '@sluice/contract/batch'
import { conflict, notFound, SluiceError } from '@sluice/contract/error'
import type { Summary, SummaryStatus } from '@sluice/contract/summary'
import type { Redis } from 'ioredis'
import type { Admission } from '../batches/admission.ts'
import { createSummaryId, isSummaryId, levelBatchId } from '../batches/batch-id.ts'
import type { Batches, Chunk, NewSummary, Results, Summaries } from '../engine.ts'
import type { Idempotency, Makes } from '../batches/idempotency.ts'
import type { Keys } from '../redis/keys.ts'
import type { Wakes } from '../redis/changes.ts'
import { forgetSummary } from './forget-summary.ts'
import type { LevelBatches } from './level-batches.ts'
import { levelExtractor } from './level-extractor.ts'
import { readChunks } from './level-results.ts'
import { type MoveSummary, readSummaryMeta } from './move-summary.ts'
import type { StartSummary } from './start-summary.ts'
import type { SummaryFields, SummaryMeta } from './summary-meta.ts'
import { toSummary } from './summary-view.ts'

/** One that is not stored whole by then was left by its maker. */
const stagingMs = 10 * 60_000
/** A pause of the level's batch is seen by looking only. */
const pollMs = 1_000

/** Of a change that loses to another one. */
const mostTries = 20

type Stored = SummaryMeta & { readonly status: SummaryStatus }

export function createSummaries(dependencies: {
  readonly redis: Redis
  readonly keys: Keys
  readonly wakes: Wakes
  readonly batches: Batches
  readonly results: Results
  readonly levels: LevelBatches
  readonly move: MoveSummary
  readonly startSummary: StartSummary
  readonly admission: Admission
  readonly idempotency: Idempotency
  readonly isPriced: (lane: string) => boolean
  /** Resolves when what was written is on disk. */
  readonly confirm: () => Promise<void>
}): Summaries {
  const {
    redis,
    keys,
    wakes,
    batches,
    results,
    levels,
    move,
    startSummary,
    admission,
    idempotency,
    isPriced,
    confirm,
  } = dependencies
  const makes: Makes<Summary> = { find, metaKey: (id) => keys.summary(id).meta }

  return {
    async create(input, chunks) {
      const id = createSummaryId(Date.now())
      const claim = input.idempotency
      const earlier = claim && (await idempotency.take(claim, id, makes))
      if (earlier) return { summary: earlier, created: false }
      try {
        await stage(id, input, chunks)
      } catch (error) {
        // Should Redis be away, what is stored goes by itself, and the claim ends.
        await Promise.allSettled([forgetSummary(redis, keys, id), claim && idempotency.release(claim, id)])
        throw error
      }
      if (claim) await idempotency.settle(claim, id)
      await levels.begin(levelBatchId(id, 1))
      await startSummary(id)
      await confirm()
      return { summary: await get(id), created: true }
    },

    get,

    async settled(id, { signal }) {
      using wake = await wakes.listen(keys.summary(id).wake)
      for (;;) {
        const summary = await get(id)
        if (summary.status !== 'in_progress' || signal.aborted) return summary
        await wake.wait(pollMs, signal)
      }
    },

    async retry(id) {
      const meta = await stored(id)
      if (meta.status === 'in_progress') return get(id)
      if (meta.status !== 'failed') throw wrongState(id, meta.status, 'be retried')
      await batches.retry(levelBatchId(id, meta.level), { status: 'failed', dry_run: false })
      const again = { status: 'in_progress', round: String(Number(meta.round) + 1), error: '', finishedAt: '' } as const
      await redis.sadd(keys.activeSummaries, id)
      await move(id, meta, again)
      await startSummary(id)
      await confirm()
      return get(id)
    },

    async cancel(id) {
      // Each try that loses has lost to a level that moved on, and a summary has far fewer levels than tries.
      for (let tries = 0; tries < mostTries; tries += 1) {
        const meta = await stored(id)
        if (meta.status === 'cancelled') return get(id)
        if (meta.status !== 'in_progress') throw wrongState(id, meta.status, 'be cancelled')
        if (!(await move(id, meta, { status: 'cancelled', finishedAt: String(Date.now()) }))) continue
        // Should this process die here, the summary's job does it.
        await batches.cancel(levelBatchId(id, meta.level)).catch(unlessEnded)
        return get(id)
      }
      throw new SluiceError('conflict_error', 'summary_busy', `Summary '${id}' changes all the time: try again.`, {
        retryAfterS: 1,
      })
    },

    async delete(id) {
      const { status } = await stored(id)
      if (status === 'in_progress')
        throw conflict('summary_running', `Summary '${id}' is in progress: cancel it first, or wait for its end.`)
      await forgetSummary(redis, keys, id)
    },
  }

  /** The first level's batch is stored before the summary is there for anybody. */
  async function stage(id: string, input: NewSummary, chunks: readonly Chunk[]): Promise<void> {
    await admission.check()
    const { recipe, reduceTokens, concurrency, priority, metadata } = input
    const options = { priority, metadata: {}, ...(concurrency === undefined ? {} : { concurrency }) }
    const fields: SummaryFields = {
      status: 'staging',
      level: '1',
      round: '1',
      recipe: JSON.stringify(recipe),
      options: JSON.stringify(options),
      reduceTokens: String(reduceTokens),
      chunks: String(chunks.length),
      createdAt: String(Date.now()),
      metadata: JSON.stringify(metadata),
    }
    const k = keys.summary(id)
    await redis.multi().hset(k.meta, fields).pexpire(k.meta, stagingMs).exec()
    const items = chunks.map(({ text, start, end }, index) => ({ id: String(index), text, metadata: { start, end } }))
    const batchOptions = { ...options, metadata: { summary_id: id, level: 1 } }
    const batch = {
      id: levelBatchId(id, 1),
      summaryId: id,
      extractor: levelExtractor(recipe, 1),
      options: batchOptions,
    }
    await levels.stage(batch, items)
    await redis.sadd(keys.activeSummaries, id)
    const begun = await move(id, { status: 'staging', level: 1 }, { status: 'in_progress' })
    if (!begun) throw new Error(`Storing summary '${id}' took longer than ${stagingMs / 60_000} minutes.`)
  }

  async function get(id: string): Promise<Summary> {
    return viewed(id, await stored(id))
  }

  async function find(id: string): Promise<Summary | null> {
    const meta = await findStored(id)
    return meta && viewed(id, meta)
  }

  async function viewed(id: string, meta: Stored): Promise<Summary> {
    const found = await Promise.all(
      Array.from({ length: meta.level }, (_, index) => batches.get(levelBatchId(id, index + 1)).catch(unlessGone)),
    )
    const chunks = meta.status === 'completed' ? await readChunks(results, levelBatchId(id, 1)).catch(unlessGone) : []
    return toSummary(id, meta, {
      batches: found.filter((batch): batch is Batch => batch !== undefined),
      chunks: chunks ?? [],
      priced: isPriced(meta.recipe.lane),
    })
  }

  async function stored(id: string): Promise<Stored> {
    const meta = await findStored(id)
    if (meta === null) throw notFound('summary', id)
    return meta
  }

  async function findStored(id: string): Promise<Stored | null> {
    if (!isSummaryId(id)) return null
    const meta = await readSummaryMeta(redis, keys, id)
    return meta === null || meta.status === 'staging' ? null : (meta as Stored)
  }
}

function wrongState(id: string, status: SummaryStatus, verb: string): SluiceError {
  return conflict('summary_state', `Summary '${id}' is ${status}: it cannot ${verb} now.`)
}

function unlessGone(error: unknown): undefined {
  if (error instanceof SluiceError && error.code === 'batch_not_found') return undefined
  throw error
}

function unlessEnded(error: unknown): void {
  if (error instanceof SluiceError && ['batch_not_found', 'batch_state'].includes(error.code)) return
  throw error
}
