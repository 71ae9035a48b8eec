import type { ItemStatus } from '@sluice/contract/batch-item'
import type { Result } from '@sluice/contract/result'
import type { Redis } from 'ioredis'
import type { BatchMeta } from '../ledger/batch-meta.ts'
import { readResultsOf } from '../ledger/result-pages.ts'
import { parseStored } from '../ledger/stored-result.ts'
import type { BatchKeys } from '../redis/keys.ts'

export interface ItemState {
  readonly index: number
  readonly status: ItemStatus
  /** Null while it is not done. */
  readonly result: Omit<Result, 'cursor'> | null
  /** Characters that were read for it. */
  readonly length: number
}

/** The state of some items of a batch. An item of a cancelled batch that has not begun never will. */
export async function readItemStates(
  redis: Redis,
  keys: BatchKeys,
  indexes: readonly number[],
  batch: Pick<BatchMeta, 'status' | 'items_per_shard'>,
): Promise<ItemState[]> {
  if (indexes.length === 0) return []
  const [stored, calls] = await Promise.all([
    readResultsOf(redis, keys, indexes, batch.items_per_shard),
    redis.hmget(keys.calls, ...indexes.map(String)),
  ])
  const isStopped = batch.status === 'cancelled' || batch.status === 'cancelling'
  return indexes.map((index, i) => {
    const text = stored[i] ?? null
    if (text === null) {
      const idle = isStopped ? 'cancelled' : 'waiting'
      return { index, status: calls[i] === null ? idle : 'running', result: null, length: 0 }
    }
    const { result } = parseStored(index, text)
    return { index, status: result.status, result, length: text.length }
  })
}
