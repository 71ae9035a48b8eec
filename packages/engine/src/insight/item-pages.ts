import { type BatchItem, type BatchItemList, type ListItemsQuery, shownText } from '@sluice/contract/batch-item'
import { notFound } from '@sluice/contract/error'
import type { Item } from '@sluice/contract/item'
import type { Redis } from 'ioredis'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { BatchKeys, Keys } from '../redis/keys.ts'
import { type BlockTexts, createBlockTexts } from './block-texts.ts'
import { createCandidates } from './item-candidates.ts'
import { type ItemState, readItemStates } from './item-status.ts'

/** What one request reads: blocks of 64 items, and characters of texts and results. It may exceed them by its last 100 results. */
const mostBlocks = 150
const mostCharacters = 8_000_000
const mostMessage = 1_000

/** Pages of a batch's items in their order. The work of a request is bounded, so a page may be short although there are more. */
export function createItemPages({ redis, keys }: { readonly redis: Redis; readonly keys: Keys }) {
  return async (batchId: string, query: ListItemsQuery): Promise<BatchItemList> => {
    const k = keys.batch(batchId)
    const meta = await readBatchMeta(redis, k, 'total', 'succeeded', 'failed', 'items_per_shard')
    if (meta === null || meta.status === 'staging') throw notFound('batch', batchId)
    const step = query.before === undefined ? 1 : -1
    const end = step === 1 ? meta.total : -1
    const first = query.from ?? (query.after === undefined ? 0 : query.after + 1)
    let at = query.before === undefined ? first : Math.min(query.before, meta.total) - 1
    if (hasNone(query, meta)) at = end
    const candidates = createCandidates({ redis, keys: k, perShard: meta.items_per_shard }, query, step)
    const page = createPage(redis, k, { query, batch: meta })
    for (let steps = 0; steps < candidates.mostSteps && step * (end - at) > 0 && !page.isFull(); steps += 1) {
      const { indexes, covered } = await candidates.next(at, end)
      const last = await page.look(indexes)
      at = last === indexes.at(-1) ? covered : last! + step
    }
    const hasMore = step * (end - at) > 0
    const data = step === 1 ? page.rows : page.rows.toReversed()
    return { object: 'list', data: [...data], has_more: hasMore, next: hasMore ? String(at - step) : null }
  }
}

/** Whether the counts of the batch say that no item has the status. */
function hasNone(
  { status }: ListItemsQuery,
  counts: { total: number; succeeded: number; failed: number; status: string },
) {
  const { total, succeeded, failed } = counts
  const isStopped = counts.status === 'cancelled' || counts.status === 'cancelling'
  switch (status) {
    case 'succeeded':
      return succeeded === 0
    case 'failed':
      return failed === 0
    case 'cancelled':
      return !isStopped || succeeded + failed === total
    case 'waiting':
      return isStopped || succeeded + failed === total
    case 'running':
      return succeeded + failed === total
    case undefined:
      return false
    default:
      return status satisfies never
  }
}

interface Page {
  readonly rows: readonly BatchItem[]
  isFull(): boolean
  /** Adds those of the items that match. Returns the last one that it looked at: the page may be full before the end. */
  look(indexes: readonly number[]): Promise<number | undefined>
}

function createPage(
  redis: Redis,
  keys: BatchKeys,
  { query, batch }: { readonly query: ListItemsQuery; readonly batch: Parameters<typeof readItemStates>[3] },
): Page {
  const texts = createBlockTexts(redis, keys)
  const rows: BatchItem[] = []
  let read = 0
  const isFull = () =>
    rows.length >= query.limit || texts.blocks >= mostBlocks || texts.characters + read >= mostCharacters

  return {
    rows,
    isFull,
    async look(indexes) {
      const { seen, found } = query.search === undefined ? all(indexes) : await search(query.search, indexes, texts)
      const states = await readItemStates(redis, keys, [...found.keys()], batch)
      read += states.reduce((sum, { length }) => sum + length, 0)
      for (const state of states) {
        if (!isWanted(state, query)) continue
        const item = found.get(state.index) ?? (await texts.get(state.index))
        if (item !== null) rows.push(toRow(state, item))
        if (isFull()) return state.index
      }
      return seen.at(-1)
    },
  }

  function all(indexes: readonly number[]) {
    return { seen: indexes, found: new Map<number, Item | null>(indexes.map((index) => [index, null])) }
  }

  async function search(text: string, indexes: readonly number[], { get }: Pick<BlockTexts, 'get'>) {
    const wanted = text.toLowerCase()
    const seen: number[] = []
    const found = new Map<number, Item | null>()
    for (const index of indexes) {
      const item = await get(index)
      seen.push(index)
      if (item !== null && `${item.id}\n${item.text}`.toLowerCase().includes(wanted)) found.set(index, item)
      if (isFull()) break
    }
    return { seen, found }
  }
}

function isWanted({ status, result }: ItemState, query: ListItemsQuery): boolean {
  if (query.error_type !== undefined && result?.error?.type !== query.error_type) return false
  const wanted = query.error_type === undefined && query.error_group === undefined ? query.status : 'failed'
  return (wanted ?? status) === status
}

function toRow({ index, status, result }: ItemState, { id, text }: Item): BatchItem {
  const { error } = result ?? {}
  return {
    index,
    id,
    status,
    error: error === undefined ? null : { type: error.type, message: error.message.slice(0, mostMessage) },
    text: text.slice(0, shownText),
    attempts: result?.attempts ?? 0,
    cost_usd: result?.cost_usd ?? null,
  }
}
