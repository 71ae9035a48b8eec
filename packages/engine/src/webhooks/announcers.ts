import type { OnBatchEnded } from '../batches/batch-ended.ts'
import type { FileBatchRecord } from '../file-batches/file-batch-store.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import type { RunSummary } from '../summaries/run-summary.ts'
import type { SummaryStore } from '../summaries/summary-store.ts'
import type { Announce } from './webhooks.ts'

export interface AnnouncersDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly announce: Announce
}

/** A user's own batch has ended. Batches over files announce their own end, which comes later; summaries, too. */
export function createAnnounceBatch({ redis, keys, announce }: AnnouncersDependencies): OnBatchEnded {
  return async ({ id, status, finishedAt, round, summaryId }) => {
    const meta = await readBatchMeta(redis, keys.batch(id), 'from_file', 'direct', 'webhook')
    if (meta === null || summaryId !== null || meta.from_file || meta.direct) return
    const event = status === 'cancelled' ? 'batch.cancelled' : 'batch.completed'
    await announce({ event, subject: id, round, at: finishedAt, url: meta.webhook?.url ?? null })
  }
}

/** A batch over a file has ended. */
export function createAnnounceFileBatch({ announce }: Pick<AnnouncersDependencies, 'announce'>) {
  return async ({ id, status, completedAt, failedAt, expiredAt, cancelledAt }: FileBatchRecord): Promise<void> => {
    if (status !== 'completed' && status !== 'failed' && status !== 'expired' && status !== 'cancelled') return
    const at = completedAt ?? failedAt ?? expiredAt ?? cancelledAt ?? Date.now()
    await announce({ event: `batch.${status}`, subject: id, round: 1, at, url: null })
  }
}

/** A summary has ended: announced by the job that took it there, before that job ends. */
export function createAnnounceSummary({
  announce,
  store,
}: {
  readonly announce: Announce
  readonly store: SummaryStore
}): (run: RunSummary) => RunSummary {
  return (run) => async (id, options) => {
    const end = await run(id, options)
    const meta = await store.read(id)
    if (meta === null || (meta.status !== 'completed' && meta.status !== 'failed' && meta.status !== 'cancelled'))
      return end
    const { status, round, finishedAt, options: chosen } = meta
    const at = finishedAt ?? Date.now()
    await announce({ event: `summary.${status}`, subject: id, round, at, url: chosen.webhook?.url ?? null })
    return end
  }
}
