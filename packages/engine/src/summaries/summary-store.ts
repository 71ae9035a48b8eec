import type { BatchOptions } from '@sluice/contract/batch'
import type { FailureType } from '@sluice/contract/result'
import type { WebhookTarget } from '@sluice/contract/webhook'
import type { Redis } from 'ioredis'
import { levelBatchId } from '../batches/batch-id.ts'
import { forgetBatch } from '../batches/forget-batch.ts'
import type { SummaryRecipe } from '../engine.ts'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const moveScript = loadScript(new URL('move.lua', import.meta.url))

/** `staging`: its text is being stored; no caller can see it. Whether it is paused depends on the batch of its level. */
type StoredStatus = 'staging' | 'in_progress' | 'completed' | 'failed' | 'cancelled'

/** The summary hash: every field. Texts and partial summaries are in the batches of its levels. */
export interface SummaryMeta {
  readonly status: StoredStatus
  /** The level whose batch is running, or was the last to run. */
  readonly level: number
  /** Counts the times it started; each round has its own job. */
  readonly round: number
  readonly recipe: SummaryRecipe
  readonly options: BatchOptions
  /** The most tokens of summaries that one call combines. */
  readonly reduceTokens: number
  /** The number of parts of its text. */
  readonly chunks: number
  readonly summary: string | null
  readonly error: { readonly type: FailureType; readonly message: string } | null
  /** Unix ms. */
  readonly createdAt: number
  /** Unix ms. */
  readonly finishedAt: number | null
  /** The caller's. */
  readonly metadata: Record<string, unknown>
  readonly webhook: WebhookTarget | null
}

export interface SummaryStore {
  /** Stores a summary that expires after `expireMs`, unless it moves before. */
  create(id: string, meta: Omit<SummaryMeta, 'summary' | 'error' | 'finishedAt'>, expireMs: number): Promise<void>
  /** Null if there is no such summary. */
  read(id: string): Promise<SummaryMeta | null>
  /** The only way to change a summary. False if it no longer has the status and the level that the caller saw; then nothing changed. */
  move(id: string, seen: Pick<SummaryMeta, 'status' | 'level'>, fields: Partial<SummaryMeta>): Promise<boolean>
  /** Removes a summary with the batches of its levels. Safe to run twice: the summary itself is removed last. */
  forget(id: string): Promise<void>
}

export function createSummaryStore({ redis, keys }: { readonly redis: Redis; readonly keys: Keys }): SummaryStore {
  const read = async (id: string) => parseFields(await redis.hgetall(keys.summary(id).meta))

  return {
    async create(id, meta, expireMs) {
      const k = keys.summary(id)
      await redis.multi().hset(k.meta, packFields(meta)).pexpire(k.meta, expireMs).exec()
    },
    read,
    async move(id, { status, level }, fields) {
      const k = keys.summary(id)
      const pairs = Object.entries(packFields(fields)).flat()
      return (await moveScript(redis, k, { status, level, channel: k.changes, fields: pairs })) === 1
    },
    async forget(id) {
      const level = (await read(id))?.level ?? 1
      // The batch of the next level may be stored already.
      for (let at = 1; at <= level + 1; at += 1) await forgetBatch(redis, keys, levelBatchId(id, at))
      await redis.unlink(keys.summary(id).meta)
      await Promise.all([
        redis.srem(keys.activeSummaries, id),
        redis.zrem(keys.endedSummaries, id),
        redis.zrem(keys.allSummaries, id),
      ])
    },
  }
}

function packFields(fields: Partial<SummaryMeta>): Record<string, string> {
  const pack = (value: SummaryMeta[keyof SummaryMeta]) => {
    if (value === null) return ''
    return typeof value === 'object' ? JSON.stringify(value) : String(value)
  }
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, pack(value)]))
}

function parseFields(fields: Readonly<Record<string, string>>): SummaryMeta | null {
  const text = (name: keyof SummaryMeta) => fields[name] || null
  const json = (name: keyof SummaryMeta): unknown => JSON.parse(text(name) ?? 'null')
  const number = (name: keyof SummaryMeta) => Number(text(name))
  if (text('status') === null) return null
  return {
    status: text('status') as StoredStatus,
    level: Number(text('level') ?? 1),
    round: Number(text('round') ?? 1),
    recipe: json('recipe') as SummaryRecipe,
    options: json('options') as BatchOptions,
    reduceTokens: number('reduceTokens'),
    chunks: number('chunks'),
    summary: text('summary'),
    error: json('error') as SummaryMeta['error'],
    createdAt: number('createdAt'),
    finishedAt: text('finishedAt') === null ? null : number('finishedAt'),
    webhook: json('webhook') as SummaryMeta['webhook'],
    metadata: (json('metadata') ?? {}) as Record<string, unknown>,
  }
}
