import type { Deadlines } from '@sluice/contract/batch'
import type { Extractor } from '@sluice/contract/extractor'
import { LRUCache } from 'lru-cache'

/** A recipe is a few KB, mostly its schema. */
const recipesCached = 500

/** The part of a batch that is the same for all its items. It never changes. */
export interface Recipe {
  readonly extractor: Extractor
  readonly deadlines: Deadlines
  /** Items with the same text share one call. */
  readonly deduplicate: boolean
  /** How old an answer to an earlier batch may be; null: none is used, and none is stored. */
  readonly cacheMs: number | null
  /** Whether a text that is longer than the lane's context is sent in parts. Not for a summary: parts of its text would not make one. */
  readonly cutsTexts: boolean
}

/** Null when the batch does not exist. */
export type ReadRecipe = (batchId: string) => Promise<Recipe | null>

export interface RecipesDependencies {
  readonly readRecipe: ReadRecipe
}

/** Reads each batch's recipe once per process, not once per item. Items that start together share one reading. */
export function createRecipes({ readRecipe }: RecipesDependencies): ReadRecipe {
  const cache = new LRUCache<string, Recipe>({
    max: recipesCached,
    // A reading whose place in the cache is taken by another batch goes on.
    ignoreFetchAbort: true,
    fetchMethod: async (batchId) => (await readRecipe(batchId)) ?? undefined,
  })
  return async (batchId) => (await cache.fetch(batchId)) ?? null
}
