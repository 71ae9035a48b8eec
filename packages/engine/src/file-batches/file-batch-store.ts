import type { RequestEndpoint } from '@sluice/contract/request-task'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

const moveScript = loadScript(new URL('move.lua', import.meta.url))

/** The states of OpenAI's batches. An expired batch is `in_progress` until its calls in flight have ended. */
export type FileBatchStatus =
  | 'validating'
  | 'failed'
  | 'in_progress'
  | 'finalizing'
  | 'completed'
  | 'expired'
  | 'cancelling'
  | 'cancelled'

/** What is wrong with the input file, by OpenAI's codes. */
export interface LineError {
  readonly code: string
  readonly message: string
  readonly param: string | null
  /** From 1; null: the file as a whole. */
  readonly line: number | null
}

export interface RequestCounts {
  readonly total: number
  readonly completed: number
  readonly failed: number
}

export interface FileBatchUsage {
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

/** The record of a batch over a file. Times are unix ms; null: not yet, or never. */
export interface FileBatchRecord {
  readonly id: string
  readonly status: FileBatchStatus
  readonly endpoint: RequestEndpoint
  readonly inputFileId: string
  readonly completionWindow: string
  readonly metadata: Readonly<Record<string, string>> | null
  /** How long the output files are kept, from their creation; null: as long as by default. */
  readonly outputExpiresAfterS: number | null
  /** As the requests name it. */
  readonly model: string | null
  readonly createdAt: number
  readonly inProgressAt: number | null
  /** When its window ends. */
  readonly expiresAt: number
  readonly finalizingAt: number | null
  readonly completedAt: number | null
  readonly failedAt: number | null
  readonly expiredAt: number | null
  readonly cancellingAt: number | null
  readonly cancelledAt: number | null
  /** Its window has ended, and the items that are left will not run. */
  readonly isExpiring: boolean
  readonly errors: readonly LineError[] | null
  readonly outputFileId: string | null
  readonly errorFileId: string | null
  /** Final; null: those of its items. */
  readonly counts: RequestCounts | null
  readonly usage: FileBatchUsage | null
}

type Changes = Partial<Omit<FileBatchRecord, 'id'>>

export interface FileBatchStore {
  create(record: FileBatchRecord): Promise<void>
  /** Null: there is no such batch. */
  read(id: string): Promise<FileBatchRecord | null>
  /** The only way to change a batch. False if it no longer has the status that the caller saw; then nothing changed. */
  move(id: string, seen: FileBatchStatus, changes: Changes): Promise<boolean>
  /** Those that have not ended. */
  active(): Promise<string[]>
  /** It has ended, and is removed at `removeAt`. */
  settle(id: string, removeAt: number): Promise<void>
  /** Ids, newest first. */
  list(after: string | undefined, count: number): Promise<string[]>
  /** Removes the records whose time is over. */
  sweep(): Promise<void>
}

export function isFinal(status: FileBatchStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'expired' || status === 'cancelled'
}

export function createFileBatchStore({ redis, keys }: { readonly redis: Redis; readonly keys: Keys }): FileBatchStore {
  return {
    async create(record) {
      // Active first: the sweeper ignores an id without a record, and adds the job of one with a record.
      await redis.sadd(keys.activeFileBatches, record.id)
      await redis.hset(keys.fileBatch(record.id).record, pack(record))
      await redis.zadd(keys.allFileBatches, 0, record.id)
    },

    async read(id) {
      if (!id.startsWith('batch_')) return null
      const fields = await redis.hgetall(keys.fileBatch(id).record)
      return fields['status'] === undefined ? null : parse(id, fields)
    },

    async move(id, seen, changes) {
      const k = keys.fileBatch(id)
      const fields = Object.entries(pack(changes)).flat()
      return (await moveScript(redis, k, { seen, channel: k.changes, fields })) === 1
    },

    active: () => redis.smembers(keys.activeFileBatches),

    async settle(id, removeAt) {
      await redis.multi().zadd(keys.expiringFileBatches, removeAt, id).srem(keys.activeFileBatches, id).exec()
    },

    list: (after, count) =>
      redis.zrevrangebylex(keys.allFileBatches, after === undefined ? '+' : `(${after}`, '-', 'LIMIT', 0, count),

    async sweep() {
      for (const id of await redis.zrangebyscore(keys.expiringFileBatches, '-inf', Date.now(), 'LIMIT', 0, 500)) {
        await redis.unlink(keys.fileBatch(id).record)
        await redis.multi().zrem(keys.allFileBatches, id).zrem(keys.expiringFileBatches, id).exec()
      }
    },
  }
}

function pack(values: Changes & { readonly id?: string }): Record<string, string> {
  const { id: _, ...fields } = values
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

/** Texts are stored as they are, everything else as JSON. */
const texts: ReadonlySet<string> = new Set<keyof FileBatchRecord>([
  'status',
  'endpoint',
  'inputFileId',
  'completionWindow',
  'model',
  'outputFileId',
  'errorFileId',
])

function parse(id: string, fields: Readonly<Record<string, string>>): FileBatchRecord {
  const entries = Object.entries(fields).map(([name, text]) => [
    name,
    text === 'null' ? null : texts.has(name) ? text : (JSON.parse(text) as unknown),
  ])
  return { id, ...Object.fromEntries(entries) } as FileBatchRecord
}
