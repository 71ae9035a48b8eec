import type { Extractor } from '@sluice/contract/extractor'
import { expect, test } from 'vitest'
import { createRecipes, type Recipe } from './recipes.ts'

const recipe: Recipe = {
  extractor: { lane: 'default' } as Extractor,
  deadlines: {},
  deduplicate: false,
  cacheMs: null,
  cutsTexts: true,
}

test('a recipe is read once, also when many items start together', async () => {
  const reads: string[] = []
  const read = createRecipes({
    async readRecipe(id) {
      reads.push(id)
      await Promise.resolve()
      return recipe
    },
  })
  expect(await Promise.all([read('a'), read('a'), read('b')])).toEqual([recipe, recipe, recipe])
  expect(await read('a')).toBe(recipe)
  expect(reads).toEqual(['a', 'b'])
})

test('a batch that does not exist, or could not be read, is read again', async () => {
  const replies = [() => null, () => Promise.reject(new Error('Redis is away')), () => recipe]
  const read = createRecipes({ readRecipe: async () => replies.shift()!() })
  expect(await read('a')).toBeNull()
  await expect(read('a')).rejects.toThrow('Redis is away')
  expect(await read('a')).toBe(recipe)
})

test('more batches than are cached may be read at once', async () => {
  const read = createRecipes({
    async readRecipe() {
      await new Promise((resolve) => setTimeout(resolve, 5))
      return recipe
    },
  })
  const found = await Promise.all(Array.from({ length: 2_000 }, (_, i) => read(`batch ${i}`)))
  expect(found.every((one) => one === recipe)).toBe(true)
})
