import { isEnded, type BatchStatus } from '@sluice/contract/batch'
import type { EstimateTokens } from '@sluice/contract/extract-function'
import type { FailureType } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import { levelBatchId } from '../batches/batch-id.ts'
import type { Results } from '../engine.ts'
import type { Keys } from '../redis/keys.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Changes } from '../redis/changes.ts'
import { groupSummaries } from './group-summaries.ts'
import type { LevelBatches } from './level-batches.ts'
import { levelExtractor } from './level-extractor.ts'
import { readLevel } from './level-results.ts'
import { type MoveSummary, readSummaryMeta } from './move-summary.ts'
import type { SummaryMeta } from './summary-meta.ts'

/** A change is looked for this often where no message comes. */
const pollMs = 1_000

export interface SummaryProgress {
  readonly level: number
  readonly total: number
  readonly succeeded: number
  readonly failed: number
}

export type SummaryEnd = { readonly type: 'ended' } | { readonly type: 'failed'; readonly message: string }

/**
 * Takes a summary through its levels: begin the level's batch, wait for its end, make the next level of its summaries, until one is left.
 * Keeps nothing of its own: it may die at any point, run twice, or be taken over by another process. Rejects when `signal` aborts.
 */
export type RunSummary = (
  summaryId: string,
  options: { signal: AbortSignal; onProgress: (progress: SummaryProgress) => Promise<void> },
) => Promise<SummaryEnd>

export function createRunSummary(dependencies: {
  readonly redis: Redis
  readonly keys: Keys
  readonly ledger: Ledger
  readonly changes: Changes
  readonly results: Results
  readonly levels: LevelBatches
  readonly move: MoveSummary
  readonly estimateTokens: (lane: string) => EstimateTokens
}): RunSummary {
  const { redis, keys, ledger, changes, results, levels, move, estimateTokens } = dependencies

  return async (summaryId, { signal, onProgress }) => {
    for (;;) {
      signal.throwIfAborted()
      const meta = await readSummaryMeta(redis, keys, summaryId)
      if (meta === null) return { type: 'ended' }
      const batchId = levelBatchId(summaryId, meta.level)
      switch (meta.status) {
        case 'staging':
        case 'completed':
          return { type: 'ended' }
        case 'failed':
          return { type: 'failed', message: meta.error?.message ?? '' }
        case 'cancelled':
          await ledger.cancel(batchId)
          return { type: 'ended' }
        case 'in_progress':
          await levels.begin(batchId)
          await step(summaryId, meta, batchId, await untilEnded(summaryId, meta, batchId))
          break
        default:
          return meta.status satisfies never
      }
    }

    /** What became of the level's batch; 'elsewhere' when the summary left this level meanwhile. */
    async function untilEnded(
      id: string,
      { level }: SummaryMeta,
      batchId: string,
    ): Promise<BatchStatus | 'gone' | 'elsewhere'> {
      using changed = await changes.listen(keys.batch(batchId).changes)
      for (;;) {
        signal.throwIfAborted()
        const [status, ...counts] = await redis.hmget(
          keys.batch(batchId).meta,
          'status',
          'total',
          'succeeded',
          'failed',
        )
        if (!status) return 'gone'
        const [total = 0, succeeded = 0, failed = 0] = counts.map(Number)
        await onProgress({ level, total, succeeded, failed })
        if (isEnded(status as BatchStatus)) return status as BatchStatus
        const [now, levelNow] = await redis.hmget(keys.summary(id).meta, 'status', 'level')
        if (now !== 'in_progress' || Number(levelNow) !== level) return 'elsewhere'
        await changed.wait(pollMs, signal)
      }
    }
  }

  async function step(
    id: string,
    meta: SummaryMeta,
    batchId: string,
    became: BatchStatus | 'gone' | 'elsewhere',
  ): Promise<void> {
    if (became === 'elsewhere') return
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

  /** The next level's calls: its batch is stored before the summary stands there, and begun after. */
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
    await move(summaryId, meta, { level: String(level) })
  }

  async function fail(id: string, meta: SummaryMeta, type: FailureType, message: string): Promise<void> {
    await end(id, meta, { status: 'failed', error: JSON.stringify({ type, message }) })
  }

  async function end(
    id: string,
    meta: SummaryMeta,
    fields: { status: 'completed'; summary: string } | { status: 'failed'; error: string },
  ): Promise<void> {
    await move(id, meta, { ...fields, finishedAt: String(Date.now()) })
  }
}
