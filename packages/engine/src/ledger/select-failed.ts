import type { RetryBatch } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import type { BatchKeys } from '../redis/keys.ts'
import { parseStored } from './stored-result.ts'

/** The indexes of the selected failed items, in pages of about 500, so that memory stays bounded. */
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
    const selected = page.filter((index, i) => {
      const one = stored[i]
      if (!one) return false
      const { result } = parseStored(Number(index), one)
      return (
        (error_type === undefined || result.error?.type === error_type) && (ids === undefined || ids.has(result.id))
      )
    })
    if (selected.length > 0) yield selected.map(Number)
  } while (cursor !== '0')
}
