import { createRecipes } from '@sluice/engine/items/recipes'
import { newBatchMeta, packBatchMeta } from '@sluice/engine/ledger/batch-meta'
import { expect, test } from 'vitest'
import { inline, options, testSluice, type TestSluice } from './harness.ts'

function store({ redis, keys }: TestSluice, batchId: string) {
  return redis.hset(keys.batch(batchId).meta, packBatchMeta(newBatchMeta(inline, options)))
}

test('a recipe is read once, also when many items start together', async () => {
  const sluice = testSluice()
  const read = createRecipes(sluice)
  await store(sluice, 'a')
  const [first, second] = await Promise.all([read('a'), read('a')])
  expect(first).toMatchObject({ task: inline, cutsTexts: true })
  expect(second).toBe(first)
  await sluice.redis.del(sluice.keys.batch('a').meta)
  expect(await read('a')).toBe(first)
})

test('a batch that does not exist yet, or could not be read, is read again', async () => {
  const sluice = testSluice()
  const read = createRecipes(sluice)
  const { meta } = sluice.keys.batch('a')
  expect(await read('a')).toBeNull()
  await sluice.redis.set(meta, 'not a hash')
  await expect(read('a')).rejects.toThrow('WRONGTYPE')
  await sluice.redis.del(meta)
  await store(sluice, 'a')
  expect(await read('a')).toMatchObject({ task: inline })
})

test('more batches than are cached may be read at once', async () => {
  const sluice = testSluice()
  const read = createRecipes(sluice)
  const ids = Array.from({ length: 2_000 }, (_, i) => `batch ${i}`)
  await Promise.all(ids.map((id) => store(sluice, id)))
  expect((await Promise.all(ids.map(read))).filter((recipe) => recipe === null)).toEqual([])
})
