import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'
import { parseSummaryMeta, type StoredStatus, type SummaryFields, type SummaryMeta } from './summary-meta.ts'

const move = loadScript(new URL('move.lua', import.meta.url))

/** The one way in which a summary changes. False: it stands elsewhere by now, and nothing was changed. */
export type MoveSummary = (
  id: string,
  seen: { readonly status: StoredStatus; readonly level: number },
  fields: SummaryFields,
) => Promise<boolean>

export function createMoveSummary(redis: Redis, keys: Keys): MoveSummary {
  return async (id, { status, level }, fields) => {
    const k = keys.summary(id)
    return (await move(redis, k, { status, level, channel: k.changes, fields: Object.entries(fields).flat() })) === 1
  }
}

/** Null when there is none. */
export async function readSummaryMeta(redis: Redis, keys: Keys, id: string): Promise<SummaryMeta | null> {
  return parseSummaryMeta(await redis.hgetall(keys.summary(id).meta))
}
