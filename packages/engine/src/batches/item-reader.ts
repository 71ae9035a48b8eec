import type { Item } from '@sluice/contract/item'
import type { Redis } from 'ioredis'
import { readBlock } from './blocks.ts'
import type { Keys } from '../redis/keys.ts'

/**
 * Items by index, for workers: neighbours come in one block, so a few decoded blocks are kept.
 * 64 blocks of at most about 128 KB of text: a batch's front is read once per process, not once per item.
 */
const blocksKept = 64

export interface ItemSource {
  /** Null when the batch is gone. */
  get(batchId: string, index: number): Promise<Item | null>
}

export function createItemSource(redis: Redis, keys: Keys): ItemSource {
  const kept = new Map<string, { start: number; items: Item[] }>()
  const underWay = new Map<string, Promise<{ start: number; items: Item[] } | null>>()

  const find = (batchId: string, index: number): Item | undefined => {
    for (const [key, block] of kept) {
      if (!key.startsWith(batchId)) continue
      const item = block.items[index - block.start]
      if (item !== undefined) return item
    }
    return undefined
  }

  const load = async (batchId: string, index: number) => {
    const block = await readBlock(redis, keys.batch(batchId).blocks, index)
    if (block === null) return null
    const oldest = kept.keys().next().value
    if (kept.size >= blocksKept && oldest !== undefined) kept.delete(oldest)
    kept.set(`${batchId}:${block.start}`, block)
    return block
  }

  return {
    async get(batchId, index) {
      const here = find(batchId, index)
      if (here !== undefined) return here
      // Neighbours that start together wait for one reading; which block holds an index is only known once it is read.
      const pending = underWay.get(batchId)
      if (pending !== undefined) {
        const block = await pending
        const item = block?.items[index - block.start]
        if (item !== undefined) return item
      }
      const loading = load(batchId, index)
      underWay.set(batchId, loading)
      try {
        const block = await loading
        return block?.items[index - block.start] ?? null
      } finally {
        if (underWay.get(batchId) === loading) underWay.delete(batchId)
      }
    },
  }
}
