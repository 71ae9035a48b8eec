import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Item } from '@sluice/contract/item'
import type { ChainableCommander, Redis } from 'ioredis'
import { packBatchMeta, readBatchMeta } from '../ledger/batch-meta.ts'
import { type BatchKeys, shardKey } from '../redis/keys.ts'

/**
 * Staged items. A block is a zstd-compressed JSON array of up to 64 items or 128 KB. It is one entry of a stream, whose id is the index
 * after the block's last item. So the block of item i is the first entry from id i + 1 on, which needs no separate index, and Redis
 * itself rejects a block that is staged twice. A block lies within one shard of the stream.
 */
export const itemsPerBlock = 64
const charactersPerBlock = 131_072

/** An item as a tuple, without missing values at its end: `[text]`, `[text, id]`, and so on. The id is null if it is the index. */
type Packed = [text: string, id?: string | null, metadata?: Record<string, unknown> | null, failure?: Item['failure']]

export interface Block {
  /** The index of its first item. */
  readonly start: number
  /** The index after its last item. */
  readonly end: number
  readonly bytes: Buffer
}

/** Packs items into blocks as they arrive; the first item has the index `from`. Never holds more than one block. */
export async function* packBlocks(
  items: AsyncIterable<Item> | Iterable<Item>,
  { from = 0, perShard }: { readonly from?: number; readonly perShard: number },
): AsyncGenerator<Block> {
  let packed: Packed[] = []
  let characters = 0
  let end = from
  const close = (): Block => {
    const block = { start: end - packed.length, end, bytes: zstdCompressSync(JSON.stringify(packed)) }
    packed = []
    characters = 0
    return block
  }
  for await (const item of items) {
    packed.push(pack(item, end))
    characters += item.text.length + (item.metadata === undefined ? 0 : JSON.stringify(item.metadata).length)
    end += 1
    const isFull = packed.length === itemsPerBlock || characters >= charactersPerBlock
    if (isFull || end % perShard === 0) yield close()
  }
  if (packed.length > 0) yield close()
}

function pack(item: Item, index: number): Packed {
  const id = item.id === String(index) ? null : item.id
  if (item.failure !== undefined) return [item.text, id, item.metadata ?? null, item.failure]
  if (item.metadata !== undefined) return [item.text, id, item.metadata]
  return id === null ? [item.text] : [item.text, id]
}

function unpack(packed: Packed, index: number): Item {
  const [text, id, metadata, failure] = packed
  return {
    id: id ?? String(index),
    text,
    ...(metadata === undefined || metadata === null ? {} : { metadata }),
    ...(failure === undefined ? {} : { failure }),
  }
}

interface StagedBlock {
  readonly start: number
  readonly items: Item[]
}

/** The items of the block that contains `index`, and the index of its first item; null if there is none. */
export async function readBlock(redis: Redis, keys: BatchKeys, index: number): Promise<StagedBlock | null> {
  // Item 0 is in the first shard, however large that is: the one text of a request needs no look.
  const meta = index === 0 ? null : await readBatchMeta(redis, keys, 'items_per_shard')
  const key = shardKey(keys.blocks, index, meta?.items_per_shard ?? 0)
  const [entry] = await redis.xrangeBuffer(key, `${index + 1}-0`, '+', 'COUNT', 1)
  return entry === undefined ? null : decode(key, entry)
}

/** Blocks that are read at once: about 300 KB. */
const blocksPerRead = 16

/** All items from index `from` on, in order, a block at a time. */
export async function* readItems(redis: Redis, keys: BatchKeys, from: number): AsyncGenerator<readonly Item[]> {
  const perShard = (await readBatchMeta(redis, keys, 'items_per_shard'))?.items_per_shard ?? 0
  for (let index = from; ;) {
    const key = shardKey(keys.blocks, index, perShard)
    const entries = await redis.xrangeBuffer(key, `${index + 1}-0`, '+', 'COUNT', blocksPerRead)
    if (entries.length === 0) return
    for (const entry of entries) {
      const { start, items } = decode(key, entry)
      yield items.slice(index - start)
      index = start + items.length
    }
  }
}

function decode(key: string, [id, fields]: [Buffer, Buffer[]]): StagedBlock {
  const bytes = fields[1]
  if (bytes === undefined) throw new Error(`Block ${id.toString()} of ${key} is empty.`)
  const packed = JSON.parse(zstdDecompressSync(bytes).toString()) as Packed[]
  const start = Number.parseInt(id.toString(), 10) - packed.length
  return { start, items: packed.map((one, offset) => unpack(one, start + offset)) }
}

/** Adds a block to a batch that is being staged. The caller adds all of them in order. */
export function stageBlock(pipeline: ChainableCommander, keys: BatchKeys, block: Block, perShard: number): void {
  const { start, end, bytes } = block
  // First, so that a step that removes or seals the batch finds its last shard.
  if (start > 0 && start % perShard === 0) pipeline.hset(keys.meta, packBatchMeta({ total: end }))
  pipeline.xadd(shardKey(keys.blocks, start, perShard), `${end}-0`, 'z', bytes)
}
