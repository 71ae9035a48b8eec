import { notFound } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import { isBatchId } from '../batches/batch-id.ts'
import type { Insight } from '../engine.ts'
import type { ItemSource } from '../items/take-item.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import { readFailureGroups } from '../ledger/failure-groups.ts'
import type { Keys } from '../redis/keys.ts'
import { createItemDetail } from './item-detail.ts'
import { createTimeline } from './timeline.ts'
import { createItemPages } from './item-pages.ts'

export interface InsightDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly items: ItemSource
  readonly isPriced: (lane: string) => boolean
}

export function createInsight({ redis, keys, items, isPriced }: InsightDependencies): Insight {
  const readPage = createItemPages({ redis, keys })
  const readDetail = createItemDetail({ redis, keys, items })
  const readTimelineOf = createTimeline({ redis, keys, isPriced })
  return {
    async failures(id) {
      const read = await readFailureGroups(redis, keys.batch(requireBatchId(id)))
      if (read === null) throw notFound('batch', id)
      return { object: 'list', data: [...read.groups], other_count: read.others, has_more: false }
    },
    async extractor(id) {
      const meta = await readBatchMeta(redis, keys.batch(requireBatchId(id)), 'extractor')
      if (meta === null || meta.status === 'staging') throw notFound('batch', id)
      if (meta.extractor === null) throw notFound('extractor', id)
      return meta.extractor
    },
    timeline: async (id) => readTimelineOf(requireBatchId(id)),
    items: async (id, query) => readPage(requireBatchId(id), query),
    item: async (id, index) => readDetail(requireBatchId(id), index),
  }
}

function requireBatchId(id: string): string {
  if (!isBatchId(id)) throw notFound('batch', id)
  return id
}
