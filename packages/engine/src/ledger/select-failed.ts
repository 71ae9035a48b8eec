import type { RetryBatch } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import type { BatchKeys } from '../redis/keys.ts'
import { parseStored } from './stored-result.ts'

/** Indexes of the failed items that are meant, in pages of at most about 500; never the whole set at once. */
export async function* selectFailed(
  redis: Redis,
  k: BatchKeys,
  { error_type, items }: RetryBatch,
): AsyncGenerator<number[]> {
  const ids = items === undefined ? undefined : new Set(items)
  let cursor = '0'
  do {
    const [next, page] = await redis.sscan(k.failed, cursor, 'COUNT', 500)
    cursor = next
    if (page.length === 0) continue
    const stored = await redis.hmget(k.results, ...page)
    const meant = page.filter((index, i) => {
      const one = stored[i]
      if (!one) return false
      const { result } = parseStored(Number(index), one)
      return (
        (error_type === undefined || result.error?.type === error_type) && (ids === undefined || ids.has(result.id))
      )
    })
    if (meant.length > 0) yield meant.map(Number)
  } while (cursor !== '0')
}
