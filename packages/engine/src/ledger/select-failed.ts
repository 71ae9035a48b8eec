import type { RetryBatch } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import { type BatchKeys, shardKeys } from '../redis/keys.ts'
import { readBatchMeta } from './batch-meta.ts'
import { parseStored } from './stored-result.ts'

/** The indexes of the selected failed items, in pages of about 500, so that memory stays bounded. */
export async function* selectFailed(
  redis: Redis,
  k: BatchKeys,
  { error_type, items }: RetryBatch,
): AsyncGenerator<number[]> {
  const ids = items === undefined ? undefined : new Set(items)
  const isSelected = (index: number, stored: string | null | undefined) => {
    if (!stored) return false
    const { result } = parseStored(index, stored)
    return (error_type === undefined || result.error?.type === error_type) && (ids === undefined || ids.has(result.id))
  }
  const { total = 0, items_per_shard: perShard = 0 } = (await readBatchMeta(redis, k, 'total', 'items_per_shard')) ?? {}
  const results = shardKeys(k.results, total, perShard)
  for (const [shard, failed] of shardKeys(k.failed, total, perShard).entries()) {
    let cursor = '0'
    do {
      const [next, page] = await redis.sscan(failed, cursor, 'COUNT', 500)
      cursor = next
      if (page.length === 0) continue
      const stored = await redis.hmget(results[shard]!, ...page)
      const selected = page.map(Number).filter((index, i) => isSelected(index, stored[i]))
      if (selected.length > 0) yield selected
    } while (cursor !== '0')
  }
}
