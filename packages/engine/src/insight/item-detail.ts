import type { Attempt, BatchItemDetail } from '@sluice/contract/batch-item'
import { notFound } from '@sluice/contract/error'
import type { Result } from '@sluice/contract/result'
import { noUsage } from '@sluice/contract/usage'
import type { Redis } from 'ioredis'
import type { ItemSource } from '../items/take-item.ts'
import { parseAttempts } from '../ledger/attempts.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Tries } from '../ledger/run.ts'
import type { Keys } from '../redis/keys.ts'
import { readItemStates } from './item-status.ts'

const mostRaw = 4_000

export interface ItemDetailDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly items: ItemSource
}

/** One item with everything that is known of it. */
export function createItemDetail({ redis, keys, items }: ItemDetailDependencies) {
  return async (batchId: string, index: number): Promise<BatchItemDetail> => {
    const k = keys.batch(batchId)
    const meta = await readBatchMeta(redis, k, 'total', 'items_per_shard')
    if (meta === null || meta.status === 'staging') throw notFound('batch', batchId)
    const item = index < meta.total ? await items.get(batchId, index) : null
    if (item === null) throw notFound('item', `${index}' of batch '${batchId}`)
    const [[state], stored, tries] = await Promise.all([
      readItemStates(redis, k, [index], meta),
      redis.hget(k.attempts, String(index)),
      redis.hget(k.tries, String(index)),
    ])
    const { status, result } = state!
    return {
      index,
      id: item.id,
      status,
      text: item.text,
      metadata: item.metadata ?? null,
      result,
      attempts: result === null ? attemptsSoFar(tries) : attemptsOf(result, stored),
    }
  }
}

function attemptsSoFar(tries: string | null): Attempt[] {
  return tries === null ? [] : [...((JSON.parse(tries) as Tries).attempts ?? [])]
}

/** The last answer of a failure is stored with its result only. Where no attempts were kept, the result says what the last one was. */
function attemptsOf(result: Omit<Result, 'cursor'>, stored: string | null): Attempt[] {
  const { status, error, raw, usage = noUsage, cost_usd: cost } = result
  const lastRaw = raw?.slice(0, mostRaw) ?? null
  if (stored !== null) {
    const attempts = parseAttempts(stored)
    const last = attempts.at(-1)
    return last === undefined || status !== 'failed' ? attempts : [...attempts.slice(0, -1), { ...last, raw: lastRaw }]
  }
  if (result.attempts === 0) return []
  const outcome = error?.type.replaceAll('_', '-') ?? 'extracted'
  const reason = error?.message.slice(0, 1_000) ?? null
  return [{ at: null, latency_ms: null, outcome, reason, usage, cost_usd: cost ?? null, raw: lastRaw }]
}
