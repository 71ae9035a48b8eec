import { isEnded, type BatchStatus } from '@sluice/contract/batch'
import type { EstimateTokens } from '@sluice/contract/extract-function'
import type { FailureType } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import { levelBatchId } from '../batches/batch-id.ts'
import type { Results } from '../engine.ts'
import type { Keys } from '../redis/keys.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Changes } from '../redis/changes.ts'
import { groupSummaries } from './group-summaries.ts'
import { type LevelBatches, levelExtractor, readLevel } from './level-batches.ts'
import type { SummaryMeta, SummaryStore } from './summary-store.ts'

/** Without a message the batch is read this often. */
const pollMs = 1_000

export interface SummaryProgress {
  readonly level: number
  readonly total: number
  readonly succeeded: number
  readonly failed: number
}

type SummaryEnd = { readonly type: 'ended' } | { readonly type: 'failed'; readonly message: string }

/**
 * Takes a summary through its levels: begin the level's batch, wait for its end, create the next level from its summaries, until one is left.
 * Keeps no state outside Redis: it may die at any point, run twice, or continue in another process. Rejects when `signal` aborts.
 */
export type RunSummary = (
  summaryId: string,
  options: { signal: AbortSignal; onProgress: (progress: SummaryProgress) => Promise<void> },
) => Promise<SummaryEnd>

/** Acts on the end of a summary. May be called more than once for the same end. */
export type OnSummaryEnded = (summaryId: string, meta: SummaryMeta) => Promise<void>

export interface RunSummaryDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ledger: Ledger
  readonly changes: Changes
  readonly results: Results
  readonly levels: LevelBatches
  readonly store: SummaryStore
  readonly onEnded: OnSummaryEnded
  readonly estimateTokens: (lane: string) => EstimateTokens
}

export function createRunSummary(dependencies: RunSummaryDependencies): RunSummary {
  const { redis, keys, ledger, changes, results, levels, store, onEnded, estimateTokens } = dependencies

  return async (summaryId, { signal, onProgress }) => {
    for (;;) {
      signal.throwIfAborted()
      const meta = await store.read(summaryId)
      if (meta === null) return { type: 'ended' }
      const batchId = levelBatchId(summaryId, meta.level)
      switch (meta.status) {
        case 'staging':
          return { type: 'ended' }
        case 'completed':
          await onEnded(summaryId, meta)
          return { type: 'ended' }
        case 'failed':
          await onEnded(summaryId, meta)
          return { type: 'failed', message: meta.error?.message ?? '' }
        case 'cancelled':
          await ledger.cancel(batchId)
          await onEnded(summaryId, meta)
          return { type: 'ended' }
        case 'in_progress':
          await levels.begin(batchId)
          await step(summaryId, meta, batchId, await untilEnded(summaryId, meta, batchId))
          break
        default:
          return meta.status satisfies never
      }
    }

    /** How the level's batch ended; 'moved' if the summary left this level meanwhile. */
    async function untilEnded(
      id: string,
      { level }: SummaryMeta,
      batchId: string,
    ): Promise<BatchStatus | 'gone' | 'moved'> {
      using changed = await changes.listen(keys.batch(batchId).changes)
      for (;;) {
        signal.throwIfAborted()
        const batch = await readBatchMeta(redis, keys.batch(batchId), 'total', 'succeeded', 'failed')
        if (batch === null || batch.status === 'staging') return 'gone'
        const { status, total, succeeded, failed } = batch
        await onProgress({ level, total, succeeded, failed })
        if (isEnded(status)) return status
        const now = await store.read(id)
        if (now?.status !== 'in_progress' || now.level !== level) return 'moved'
        await changed.wait(pollMs, signal)
      }
    }
  }

  async function step(
    id: string,
    meta: SummaryMeta,
    batchId: string,
    became: BatchStatus | 'gone' | 'moved',
  ): Promise<void> {
    if (became === 'moved') return
    if (became !== 'completed') {
      await fail(
        id,
        meta,
        'cancelled',
        `Batch '${batchId}' of level ${meta.level} was ${became === 'gone' ? 'deleted' : became}.`,
      )
      return
    }
    const { parts, failed } = await readLevel(results, batchId)
    const [first] = failed
    if (first !== undefined) {
      const what = meta.level === 1 ? 'chunk' : `call of level ${meta.level}`
      const where = `${what} ${first.index} (batch '${batchId}')`
      const message = `${failed.length} of ${failed.length + parts.length} calls failed, the first at ${where}: ${first.message}`
      await fail(id, meta, first.type, message)
      return
    }
    const [only] = parts
    if (only !== undefined && parts.length === 1) await end(id, meta, { status: 'completed', summary: only.summary })
    else
      await advance(
        id,
        meta,
        parts.map(({ summary }) => summary),
      )
  }

  /** Creates the next level: its batch is stored before the summary moves there, and begins after. */
  async function advance(summaryId: string, meta: SummaryMeta, summaries: readonly string[]): Promise<void> {
    const level = meta.level + 1
    const extractor = levelExtractor(meta.recipe, level)
    const count = estimateTokens(meta.recipe.lane)
    const around = count({ extractor, text: '', reasks: [] }).input
    const tokens = summaries.map((text) => count({ extractor, text, reasks: [] }).input - around)
    const ends = groupSummaries(tokens, meta.reduceTokens)
    const items = ends.map((end, index) => ({
      id: String(index),
      text: summaries.slice(ends[index - 1] ?? 0, end).join('\n\n'),
    }))
    const options = { ...meta.options, metadata: { summary_id: summaryId, level } }
    await levels.stage({ id: levelBatchId(summaryId, level), summaryId, extractor, options }, items)
    await store.move(summaryId, meta, { level })
  }

  async function fail(id: string, meta: SummaryMeta, type: FailureType, message: string): Promise<void> {
    await end(id, meta, { status: 'failed', error: { type, message } })
  }

  async function end(
    id: string,
    meta: SummaryMeta,
    fields: Pick<SummaryMeta, 'status'> & Partial<Pick<SummaryMeta, 'summary' | 'error'>>,
  ): Promise<void> {
    await store.move(id, meta, { ...fields, finishedAt: Date.now() })
  }
}
