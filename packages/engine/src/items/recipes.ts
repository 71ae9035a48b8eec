import { LRUCache } from 'lru-cache'
import type { Redis } from 'ioredis'
import { readRecipe, type Recipe } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'

/** A recipe is a few KB, mostly its schema. */
const recipesCached = 500

/** Null when the batch does not exist. */
export type ReadRecipe = (batchId: string) => Promise<Recipe | null>

export interface RecipesDependencies {
  readonly redis: Redis
  readonly keys: Keys
}

/** Reads each batch's recipe once per process, not once per item. Items that start together share one reading. */
export function createRecipes({ redis, keys }: RecipesDependencies): ReadRecipe {
  const cache = new LRUCache<string, Recipe>({
    max: recipesCached,
    // A reading continues even if another batch takes its place in the cache.
    ignoreFetchAbort: true,
    fetchMethod: async (batchId) => (await readRecipe(redis, keys.batch(batchId))) ?? undefined,
  })
  return async (batchId) => (await cache.fetch(batchId)) ?? null
}
