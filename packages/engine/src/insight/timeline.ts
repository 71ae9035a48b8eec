import type { Timeline } from '@sluice/contract/batch-item'
import { notFound } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import { readTimeline } from '../ledger/timeline.ts'
import type { Keys } from '../redis/keys.ts'

export interface TimelineDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly isPriced: (lane: string) => boolean
}

const shownFields = [
  'lane',
  'total',
  'created_at',
  'started_at',
  'finished_at',
  'succeeded',
  'failed',
  'cost_nano_usd',
] as const

/** What happened to a batch. Its creation, its start, and how far it is now are in its own fields. */
export function createTimeline({ redis, keys, isPriced }: TimelineDependencies) {
  return async (batchId: string): Promise<Timeline> => {
    const k = keys.batch(batchId)
    const [meta, { events, samples }] = await Promise.all([
      readBatchMeta(redis, k, ...shownFields),
      readTimeline(redis, k),
    ])
    if (meta === null || meta.status === 'staging') throw notFound('batch', batchId)
    const { lane, total, created_at: createdAt, started_at: startedAt } = meta
    const now = {
      at: meta.finished_at ?? Date.now(),
      nanoUsd: meta.cost_nano_usd,
      limitPerS: null,
      succeeded: meta.succeeded,
      failed: meta.failed,
    }
    const priced = isPriced(lane)
    const begin = [
      { at: createdAt, type: 'created' as const, message: `${total} items` },
      { at: startedAt, type: 'started' as const, message: '' },
    ]
    return {
      object: 'timeline',
      events: [...begin, ...events]
        .flatMap(({ at, type, message }) => (at === null ? [] : [{ at: at / 1_000, type, message }]))
        .toSorted((a, b) => a.at - b.at),
      samples: [...samples.filter(({ at }) => at < now.at), ...(startedAt === null ? [] : [now])].map(
        ({ at, succeeded, failed, nanoUsd, limitPerS }) => ({
          at: at / 1_000,
          succeeded,
          failed,
          cost_usd: priced ? nanoUsd / 1e9 : null,
          limit_per_s: limitPerS,
        }),
      ),
    }
  }
}
