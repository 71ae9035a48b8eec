import type { Batch, BatchList, BatchStatus } from '@sluice/contract/batch'
import type { Redis } from 'ioredis'
import type { Batches } from '../engine.ts'
import type { Keys } from '../redis/keys.ts'
import type { BatchFinder } from './find-batch.ts'

/** Ids that are read in one round trip. */
const readAtOnce = 500
/** Batches that one request looks at for a status: about 10 ms of Redis. The next request continues. */
const mostLooked = 5_000

export interface ListBatchesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly finder: BatchFinder
}

/** Lists the batches, newest first. The work of a request is bounded, however many batches there are and however few have the status. */
export function createListBatches({ redis, keys, finder }: ListBatchesDependencies): Batches['list'] {
  return async ({ after, limit, status }) => {
    const data: Batch[] = []
    let last = after
    for (let looked = 0; looked < mostLooked;) {
      const count = status === undefined ? limit + 1 - data.length : readAtOnce
      const ids = await redis.zrevrangebylex(
        keys.allBatches,
        last === undefined ? '+' : `(${last}`,
        '-',
        'LIMIT',
        0,
        count,
      )
      const wanted = status === undefined ? ids : await withStatus(ids, status)
      while (wanted.length > 0 && data.length <= limit) {
        const some = await Promise.all(wanted.splice(0, limit + 1 - data.length).map((id) => finder.find(id)))
        data.push(...some.filter((one) => one !== null).filter((one) => status === undefined || one.status === status))
      }
      // One more than the limit shows that there is a next page.
      if (data.length > limit) return page(data.slice(0, limit), data[limit - 1]?.id ?? null)
      if (ids.length < count) return page(data, null)
      looked += ids.length
      last = ids.at(-1)
    }
    return page(data, last ?? null)
  }

  async function withStatus(ids: readonly string[], status: BatchStatus): Promise<string[]> {
    const statuses = await Promise.all(ids.map((id) => redis.hget(keys.batch(id).meta, 'status')))
    return ids.filter((_, i) => statuses[i] === status)
  }
}

function page(data: Batch[], next: string | null): BatchList {
  return { object: 'list', data, has_more: next !== null, next }
}
