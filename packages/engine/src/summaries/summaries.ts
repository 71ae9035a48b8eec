import type { Batch } from '@sluice/contract/batch'
import { conflict, notFound, SluiceError } from '@sluice/contract/error'
import type { Summary, SummaryStatus } from '@sluice/contract/summary'
import type { WebhookTarget } from '@sluice/contract/webhook'
import type { Redis } from 'ioredis'
import type { Admission } from '../batches/admission.ts'
import { createSummaryId, isSummaryId, levelBatchId } from '../batches/batch-id.ts'
import type { Batches, Chunk, NewSummary, Results, Summaries } from '../engine.ts'
import type { Idempotency } from '../batches/idempotency.ts'
import type { Keys } from '../redis/keys.ts'
import type { Changes } from '../redis/changes.ts'
import { type LevelBatches, levelExtractor, readChunks } from './level-batches.ts'
import type { EnqueueSummary } from './summary-job.ts'
import type { SummaryMeta, SummaryStore } from './summary-store.ts'
import { toSummary } from './summary-view.ts'

/** A summary that is not completely stored after this time was abandoned by its process. */
const stagingMs = 10 * 60_000
/** How often a summary is read while waiting: a pause of the level's batch sends no message to the summary. */
const pollMs = 1_000

/** Of a change that another one overtakes. */
const mostTries = 20

type Stored = SummaryMeta & { readonly status: SummaryStatus }

export interface SummariesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly changes: Changes
  readonly batches: Batches
  readonly results: Results
  readonly levels: LevelBatches
  readonly store: SummaryStore
  readonly enqueueSummary: EnqueueSummary
  readonly admission: Admission
  readonly idempotency: Idempotency
  readonly isPriced: (lane: string) => boolean
  /** Throws for a webhook that could never be delivered. */
  readonly checkWebhook: (webhook: WebhookTarget | undefined) => void
  /** Resolves when all earlier writes are on disk. */
  readonly confirm: () => Promise<void>
}

export function createSummaries(dependencies: SummariesDependencies): Summaries {
  const {
    redis,
    keys,
    changes,
    batches,
    results,
    levels,
    store,
    enqueueSummary,
    admission,
    idempotency,
    isPriced,
    confirm,
    checkWebhook,
  } = dependencies

  return {
    async create(input, chunks) {
      checkWebhook(input.webhook)
      const id = createSummaryId(Date.now())
      const claim = input.idempotency
      const earlier = claim && (await idempotency.take(claim, id, { find, metaKey: (of) => keys.summary(of).meta }))
      if (earlier) return { summary: earlier, created: false }
      try {
        await stage(id, input, chunks)
      } catch (error) {
        // If Redis is away, the stored part and the claim expire.
        await Promise.allSettled([store.forget(id), claim && idempotency.release(claim, id)])
        throw error
      }
      if (claim) await idempotency.settle(claim, id)
      await levels.begin(levelBatchId(id, 1))
      await enqueueSummary(id)
      await confirm()
      return { summary: await get(id), created: true }
    },

    get,

    glance,

    async list({ after, limit }) {
      const from = after === undefined ? '+' : `(${after}`
      const ids = await redis.zrevrangebylex(keys.allSummaries, from, '-', 'LIMIT', 0, limit + 1)
      const found = await Promise.all(ids.slice(0, limit).map(glance))
      const hasMore = ids.length > limit
      const data = found.filter((one) => one !== null)
      return { object: 'list', data, has_more: hasMore, next: hasMore ? (ids[limit - 1] ?? null) : null }
    },

    async settled(id, { signal }) {
      using changed = await changes.listen(keys.summary(id).changes)
      for (;;) {
        const summary = await get(id)
        if (summary.status !== 'in_progress' || signal.aborted) return summary
        await changed.wait(pollMs, signal)
      }
    },

    async retry(id) {
      const meta = await stored(id)
      if (meta.status === 'in_progress') return get(id)
      if (meta.status !== 'failed') throw wrongState(id, meta.status, 'be retried')
      await batches.retry(levelBatchId(id, meta.level), {})
      await redis.sadd(keys.activeSummaries, id)
      await store.move(id, meta, { status: 'in_progress', round: meta.round + 1, error: null, finishedAt: null })
      await enqueueSummary(id)
      await confirm()
      return get(id)
    },

    async cancel(id) {
      // A try fails when the summary has moved to another level since it was read; it has far fewer levels than tries.
      for (let tries = 0; tries < mostTries; tries += 1) {
        const meta = await stored(id)
        if (meta.status === 'cancelled') return get(id)
        if (meta.status !== 'in_progress') throw wrongState(id, meta.status, 'be cancelled')
        if (!(await store.move(id, meta, { status: 'cancelled', finishedAt: Date.now() }))) continue
        // If this process dies here, the summary's job cancels the batch.
        await batches.cancel(levelBatchId(id, meta.level)).catch(unlessEnded)
        return get(id)
      }
      throw new SluiceError('conflict_error', 'summary_busy', `Summary '${id}' keeps changing: try again.`, {
        retryAfterS: 1,
      })
    },

    async delete(id) {
      const { status } = await stored(id)
      if (status === 'in_progress')
        throw conflict('summary_running', `Summary '${id}' is in progress: cancel it first, or wait for its end.`)
      await store.forget(id)
    },
  }

  /** Stores the batch of level 1 before any caller can see the summary. */
  async function stage(id: string, input: NewSummary, chunks: readonly Chunk[]): Promise<void> {
    await admission.check()
    const { recipe, reduceTokens, concurrency, priority, metadata } = input
    const options = { priority, metadata: {}, ...(concurrency === undefined ? {} : { concurrency }) }
    const meta = {
      status: 'staging',
      level: 1,
      round: 1,
      recipe,
      options,
      reduceTokens,
      chunks: chunks.length,
      createdAt: Date.now(),
      metadata,
      webhook: input.webhook ?? null,
    } as const
    await store.create(id, meta, stagingMs)
    const items = chunks.map(({ text, start, end }, index) => ({ id: String(index), text, metadata: { start, end } }))
    const batchOptions = { ...options, metadata: { summary_id: id, level: 1 } }
    const batch = {
      id: levelBatchId(id, 1),
      summaryId: id,
      extractor: levelExtractor(recipe, 1),
      options: batchOptions,
    }
    await levels.stage(batch, items)
    await redis.multi().sadd(keys.activeSummaries, id).zadd(keys.allSummaries, 0, id).exec()
    const begun = await store.move(id, meta, { status: 'in_progress' })
    if (!begun) throw new Error(`Storing summary '${id}' took longer than ${stagingMs / 60_000} minutes.`)
  }

  async function get(id: string): Promise<Summary> {
    return viewed(id, await stored(id))
  }

  async function glance(id: string): Promise<Summary | null> {
    const meta = await findStored(id)
    return meta && viewed(id, meta, { chunks: 'left-out' })
  }

  async function find(id: string): Promise<Summary | null> {
    const meta = await findStored(id)
    return meta && viewed(id, meta)
  }

  async function viewed(
    id: string,
    meta: Stored,
    { chunks: how }: { readonly chunks: 'read' | 'left-out' } = { chunks: 'read' },
  ): Promise<Summary> {
    const found = await Promise.all(
      Array.from({ length: meta.level }, (_, index) => batches.get(levelBatchId(id, index + 1)).catch(unlessGone)),
    )
    const hasChunks = meta.status === 'completed' && how === 'read'
    const chunks = hasChunks ? await readChunks(results, levelBatchId(id, 1)).catch(unlessGone) : []
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
    const meta = isSummaryId(id) ? await store.read(id) : null
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
