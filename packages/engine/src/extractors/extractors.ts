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

    async versions(name, { before, limit }) {
      const key = keys.extractorVersions(name)
      const count = await redis.llen(key)
      if (count === 0) throw notFound('extractor', name)
      // Version n is at position n - 1, and a version never changes.
      const newest = Math.min(count, (before ?? count + 1) - 1)
      const oldest = Math.max(1, newest - limit + 1)
      const stored = newest < 1 ? [] : await redis.lrange(key, oldest - 1, newest - 1)
      const data = stored.map((one, i) => parseVersion(name, oldest + i, one)).toReversed()
      const hasMore = oldest > 1 && newest >= 1
      return { object: 'list', data, has_more: hasMore, next: hasMore ? oldest : null }
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
    return parseVersion(name, at + 1, stored)
  }
}

function parseVersion(name: string, version: number, stored: string): Extractor {
  const { content, created_at: createdAt } = JSON.parse(stored) as { content: string; created_at: string }
  return toExtractor(name, version, content, createdAt)
}

function toExtractor(name: string, version: number, content: string, createdAt: string): Extractor {
  return { object: 'extractor', name, version, ...(JSON.parse(content) as Recipe), created_at: Number(createdAt) }
}

/** JSON with the recipe's keys in a fixed order, so that equal content gives equal text. The schema keeps its author's order, because models read it. */
function canonical({ schema, instructions, lane, parameters, reasks }: Recipe): string {
  return JSON.stringify({ schema, instructions, lane, parameters, reasks })
}
