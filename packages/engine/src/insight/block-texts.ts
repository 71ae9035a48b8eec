import type { Item } from '@sluice/contract/item'
import type { Redis } from 'ioredis'
import { readBlock } from '../batches/blocks.ts'
import type { BatchKeys } from '../redis/keys.ts'

/** Reads the items of one request, most of them neighbours: only the last block is kept. Counts what it read. */
export interface BlockTexts {
  /** Null when the batch was removed. */
  get(index: number): Promise<Item | null>
  readonly blocks: number
  readonly characters: number
}

export function createBlockTexts(redis: Redis, keys: BatchKeys): BlockTexts {
  let last: { readonly start: number; readonly items: readonly Item[] } | null = null
  let blocks = 0
  let characters = 0
  return {
    async get(index) {
      if (last === null || index < last.start || index >= last.start + last.items.length) {
        last = await readBlock(redis, keys, index)
        blocks += 1
        characters += last?.items.reduce((sum, { text }) => sum + text.length, 0) ?? 0
      }
      return last?.items[index - last.start] ?? null
    },
    get blocks() {
      return blocks
    },
    get characters() {
      return characters
    },
  }
}
