import type { Deadlines } from '@sluice/contract/batch'
import type { Extractor } from '@sluice/contract/extractor'
import type { Redis } from 'ioredis'
import type { ReadRecipe } from '../items/recipes.ts'
import type { Keys } from '../redis/keys.ts'

export interface ReadRecipeDependencies {
  readonly redis: Redis
  readonly keys: Keys
}

/** Reads from the batch hash what workers need to know about a batch. */
export function createReadRecipe({ redis, keys }: ReadRecipeDependencies): ReadRecipe {
  return async (batchId) => {
    const [extractor, deadlines, deduplicate, cacheMs, summary] = await redis.hmget(
      keys.batch(batchId).meta,
      'extractor',
      'deadlines',
      'deduplicate',
      'cache_ms',
      'summary',
    )
    if (!extractor) return null
    return {
      extractor: JSON.parse(extractor) as Extractor,
      deadlines: JSON.parse(deadlines ?? '{}') as Deadlines,
      deduplicate: deduplicate === '1',
      cacheMs: cacheMs ? Number(cacheMs) : null,
      cutsTexts: !summary,
    }
  }
}
