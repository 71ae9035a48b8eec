import type { Item } from '@sluice/contract/item'
import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import type { ItemSource } from '../items/take-item.ts'
import { itemsPerBlock, readBlock } from './blocks.ts'
import type { Keys } from '../redis/keys.ts'

/**
 * Decoded blocks that are kept: neighbouring items are in one block, which is read once per process and not once per item. A block has
 * about 128 KB of text, or one text of up to 4 million characters: so their number and their characters are limited.
 */
const blocksKept = 64
const charactersKept = 16_000_000

interface DecodedBlock {
  readonly start: number
  readonly items: readonly Item[]
}

/** Reads items by index, for workers. */
export function createItemSource({ redis, keys }: { readonly redis: Redis; readonly keys: Keys }): ItemSource {
  /** The blocks that are kept, by batch: an index does not say which block holds it, and to search all blocks cost 10 us an item. */
  const blocksOf = new Map<string, Set<DecodedBlock>>()
  const blocks = new LRUCache<string, DecodedBlock>({
    max: blocksKept,
    maxSize: charactersKept,
    sizeCalculation: ({ items }) => items.reduce((sum, { text }) => sum + text.length, 1),
    onInsert(block, key) {
      const batchId = batchOf(key)
      const known = blocksOf.get(batchId) ?? new Set()
      blocksOf.set(batchId, known.add(block))
    },
    dispose(block, key) {
      const batchId = batchOf(key)
      const known = blocksOf.get(batchId)
      known?.delete(block)
      if (known?.size === 0) blocksOf.delete(batchId)
    },
  })
  /** The reads under way, by batch. */
  const reading = new Map<string, Set<Reading>>()

  const find = (batchId: string, index: number): Item | undefined => {
    for (const block of blocksOf.get(batchId) ?? []) {
      const item = block.items[index - block.start]
      if (item === undefined) continue
      blocks.get(keyOf(batchId, block))
      return item
    }
    return undefined
  }

  const load = async (batchId: string, index: number): Promise<DecodedBlock | null> => {
    const block = await readBlock(redis, keys.batch(batchId), index)
    if (block !== null) blocks.set(keyOf(batchId, block), block)
    return block
  }

  const read = async (batchId: string, index: number): Promise<Item | null> => {
    const ofBatch = reading.get(batchId) ?? new Set()
    const one: Reading = { index, block: load(batchId, index) }
    reading.set(batchId, ofBatch.add(one))
    try {
      return itemOf(await one.block, index) ?? null
    } finally {
      ofBatch.delete(one)
      if (ofBatch.size === 0) reading.delete(batchId)
    }
  }

  return {
    async get(batchId, index) {
      for (;;) {
        const here = find(batchId, index)
        if (here !== undefined) return here
        // Which items a block has is known only after its read: neighbours that start together wait for one read, and look again.
        const near = nearest(reading.get(batchId), index)
        if (near === undefined) return read(batchId, index)
        const item = itemOf(await near.block, index)
        if (item !== undefined) return item
      }
    },
  }
}

/** A read of the block that contains `index`. */
interface Reading {
  readonly index: number
  readonly block: Promise<DecodedBlock | null>
}

/** A read whose block may contain the item, too. */
function nearest(readings: ReadonlySet<Reading> | undefined, index: number): Reading | undefined {
  for (const one of readings ?? []) if (Math.abs(one.index - index) < itemsPerBlock) return one
  return undefined
}

function itemOf(block: DecodedBlock | null, index: number): Item | undefined {
  return block?.items[index - block.start]
}

function keyOf(batchId: string, { start }: DecodedBlock): string {
  return `${batchId}:${start}`
}

function batchOf(key: string): string {
  return key.slice(0, key.lastIndexOf(':'))
}
