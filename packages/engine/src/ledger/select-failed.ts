import type { Redis } from 'ioredis'
import { type BatchKeys, shardKeys } from '../redis/keys.ts'
import { readBatchMeta } from './batch-meta.ts'
import type { RetrySelection } from './failure-groups.ts'
import { parseStored } from './stored-result.ts'

/** The indexes of the selected failed items, in pages of about 500, so that memory stays bounded. A page may be empty. */
export async function* selectFailed(
  redis: Redis,
  k: BatchKeys,
  { error_type: type, error_group: group, items }: RetrySelection,
): AsyncGenerator<number[]> {
  const ids = items === undefined ? undefined : new Set(items)
  const { total = 0, items_per_shard: perShard = 0 } = (await readBatchMeta(redis, k, 'total', 'items_per_shard')) ?? {}
  const results = shardKeys(k.results, total, perShard)
  const grouped = shardKeys(k.grouped, total, perShard)
  for (const [shard, failed] of shardKeys(k.failed, total, perShard).entries()) {
    let cursor = '0'
    do {
      const [next, page] = await redis.sscan(failed, cursor, 'COUNT', 500)
      cursor = next
      yield (await withResult(await inGroup(page, grouped[shard]!), results[shard]!)).map(Number)
    } while (cursor !== '0')
  }

  async function inGroup(page: readonly string[], key: string): Promise<readonly string[]> {
    if (group === undefined || page.length === 0) return page
    const groups = await redis.hmget(key, ...page)
    return page.filter((_, i) => groups[i] === group)
  }

  async function withResult(page: readonly string[], key: string): Promise<readonly string[]> {
    if ((type === undefined && ids === undefined) || page.length === 0) return page
    const stored = await redis.hmget(key, ...page)
    return page.filter((index, i) => {
      const one = stored[i]
      if (!one) return false
      const { result } = parseStored(Number(index), one)
      return (type === undefined || result.error?.type === type) && (ids === undefined || ids.has(result.id))
    })
  }
}
