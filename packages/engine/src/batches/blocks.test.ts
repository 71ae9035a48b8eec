import { zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { packBlocks } from './blocks.ts'

async function packed(items: { id: string; text: string; metadata?: Record<string, unknown> }[]) {
  return Array.fromAsync(packBlocks(items, { perShard: 65_536 }), ({ end, bytes }) => ({
    end,
    items: JSON.parse(zstdDecompressSync(bytes).toString()) as unknown[],
  }))
}

test('items are packed into blocks by number', async () => {
  const blocks = await packed(Array.from({ length: 150 }, (_, i) => ({ id: String(i), text: `t${i}` })))
  expect(blocks.map((block) => [block.end, block.items.length])).toEqual([
    [64, 64],
    [128, 64],
    [150, 22],
  ])
  expect(blocks[1]!.items[0]).toEqual(['t64'])
})

test('items are packed by size, so that no block is much larger than its largest item', async () => {
  const blocks = await packed(Array.from({ length: 5 }, (_, i) => ({ id: String(i), text: 'x'.repeat(60_000) })))
  expect(blocks.map((block) => block.end)).toEqual([3, 5])
})

test('metadata counts towards the size of a block', async () => {
  const metadata = { note: 'x'.repeat(60_000) }
  const blocks = await packed(Array.from({ length: 5 }, (_, i) => ({ id: String(i), text: 'short', metadata })))
  expect(blocks.map((block) => block.end)).toEqual([3, 5])
})

test('default values are not stored', async () => {
  const [block] = await packed([
    { id: '0', text: 'a' },
    { id: 'own', text: 'b' },
    { id: '2', text: 'c', metadata: { k: 1 } },
  ])
  expect(block!.items).toEqual([['a'], ['b', 'own'], ['c', null, { k: 1 }]])
})
