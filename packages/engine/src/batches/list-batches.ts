import type { Batch, BatchList, ListBatchesQuery } from '@sluice/contract/batch'
import type { Redis } from 'ioredis'
import type { Batches } from '../engine.ts'
import { selectFields } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import type { BatchFinder } from './find-batch.ts'

/** Ids that are read in one round trip, and with metadata of up to 16 KB each. */
const readAtOnce = 500
const searchedAtOnce = 100
/** Batches that one request compares with its filters: about 10 ms of Redis. The next request continues. */
const mostLooked = 5_000
/** Characters of metadata that one request searches. */
const mostSearched = 4_000_000

type Filters = Omit<ListBatchesQuery, 'after' | 'limit'>

const filterFields = selectFields('lane', 'label')
const searchFields = selectFields('lane', 'label', 'name', 'metadata')

export interface ListBatchesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly finder: BatchFinder
}

/** Lists the batches, newest first. The work of a request is bounded, however many batches there are and however few match its filters. */
export function createListBatches({ redis, keys, finder }: ListBatchesDependencies): Batches['list'] {
  return async ({ after, limit, ...filters }) => {
    const isFiltered = Object.values(filters).some((one) => one !== undefined)
    const atOnce = filters.search === undefined ? readAtOnce : searchedAtOnce
    const data: Batch[] = []
    let last = after
    let searched = 0
    for (let looked = 0; looked < mostLooked && searched < mostSearched;) {
      const count = isFiltered ? atOnce : limit + 1 - data.length
      const from = last === undefined ? '+' : `(${last}`
      const ids = await redis.zrevrangebylex(keys.allBatches, from, '-', 'LIMIT', 0, count)
      const { wanted, characters } = isFiltered ? await matching(ids, filters) : { wanted: ids, characters: 0 }
      while (wanted.length > 0 && data.length <= limit) {
        const some = await Promise.all(wanted.splice(0, limit + 1 - data.length).map((id) => finder.find(id)))
        data.push(...some.filter((one) => one !== null).filter((one) => (filters.status ?? one.status) === one.status))
      }
      // One more than the limit shows that there is a next page.
      if (data.length > limit) return page(data.slice(0, limit), data[limit - 1]?.id ?? null)
      if (ids.length < count) return page(data, null)
      looked += ids.length
      searched += characters
      last = ids.at(-1)
    }
    return page(data, last ?? null)
  }

  async function matching(ids: readonly string[], filters: Filters): Promise<{ wanted: string[]; characters: number }> {
    const { status, lane, extractor } = filters
    const search = filters.search?.toLowerCase()
    let characters = 0
    const matches = await Promise.all(
      ids.map(async (id) => {
        const { names } = search === undefined ? filterFields : searchFields
        const values = await redis.hmget(keys.batch(id).meta, ...names)
        const meta = filterFields.parse(values)
        if (meta === null || (status ?? meta.status) !== meta.status || (lane ?? meta.lane) !== meta.lane) return false
        if (extractor !== undefined && !isExtractor(meta.label, extractor)) return false
        if (search === undefined) return true
        characters += values.reduce((sum, value) => sum + (value?.length ?? 0), 0)
        const { name, metadata } = searchFields.parse(values) ?? { metadata: {} }
        const texts = [id, name ?? '', ...Object.values(metadata).map(textOf)]
        return texts.some((text) => text.toLowerCase().includes(search))
      }),
    )
    return { wanted: ids.filter((_, i) => matches[i]), characters }
  }
}

/** `label`: `person@3`, `inline` or `summary`. A name alone means all its versions. */
function isExtractor(label: string, wanted: string): boolean {
  return label === wanted || (!wanted.includes('@') && label.startsWith(`${wanted}@`))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function page(data: Batch[], next: string | null): BatchList {
  return { object: 'list', data, has_more: next !== null, next }
}
