import { notFound } from '@sluice/contract/error'
import type { CreateExtractor, Extractor } from '@sluice/contract/extractor'
import type { Redis } from 'ioredis'
import type { Extractors } from '../engine.ts'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const put = loadScript(new URL('put.lua', import.meta.url))

type Recipe = Omit<CreateExtractor, 'name'>

export interface ExtractorsDependencies {
  readonly redis: Redis
  readonly keys: Keys
}

export function createExtractors({ redis, keys }: ExtractorsDependencies): Extractors {
  return {
    async put({ name, ...recipe }) {
      const content = canonical(recipe)
      const [version, created, createdAt] = (await put(
        redis,
        { versions: keys.extractorVersions(name), names: keys.extractorNames },
        { name, content, createdAt: Date.now() / 1000 },
      )) as [number, number, string]
      return { extractor: toExtractor(name, version, content, createdAt), created: created === 1 }
    },

    async get(reference) {
      const [name = '', version] = reference.split('@')
      const found = await read(name, version === undefined ? -1 : Number(version) - 1)
      if (found === null) throw notFound('extractor', reference)
      return found
    },

    async list({ after, limit }) {
      const from = after === undefined ? '-' : `(${after}`
      const names = await redis.zrangebylex(keys.extractorNames, from, '+', 'LIMIT', 0, limit + 1)
      const data = await Promise.all(names.slice(0, limit).map((name) => read(name, -1)))
      return { data: data.filter((one) => one !== null), has_more: names.length > limit }
    },
  }

  /** The version at a position of the list: 0 is version 1, -1 the newest. */
  async function read(name: string, position: number): Promise<Extractor | null> {
    const key = keys.extractorVersions(name)
    // Versions are only added, so the one at a position never changes.
    const at = position < 0 ? (await redis.llen(key)) + position : position
    const stored = at < 0 ? null : await redis.lindex(key, at)
    if (stored === null) return null
    const { content, created_at } = JSON.parse(stored) as { content: string; created_at: string }
    return toExtractor(name, at + 1, content, created_at)
  }
}

function toExtractor(name: string, version: number, content: string, createdAt: string): Extractor {
  return { object: 'extractor', name, version, ...(JSON.parse(content) as Recipe), created_at: Number(createdAt) }
}

/** JSON with the recipe's keys in a fixed order, so that equal content gives equal text. The schema keeps its author's order, because models read it. */
function canonical({ schema, instructions, lane, parameters, reasks }: Recipe): string {
  return JSON.stringify({ schema, instructions, lane, parameters, reasks })
}
