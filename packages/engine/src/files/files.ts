import { invalidRequest } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import { createFileId } from '../batches/batch-id.ts'
import type { Keys } from '../redis/keys.ts'
import type { FileBytes } from './file-bytes.ts'
import { type FilePurpose, type FileRecord, hasExpired, packFile, parseFile } from './file-record.ts'

/** Records that are read in one round trip. */
const readAtOnce = 200
/** Every list and every file costs some memory beside its bytes. */
const mostFiles = 100_000
/** A file whose sender is silent for so long was abandoned. */
const abandonedMs = 10 * 60_000

interface FileDescription {
  readonly filename: string
  readonly purpose: FilePurpose
  /** Unix ms; null: never. */
  readonly expiresAt: number | null
}

interface ListFilesQuery {
  readonly after?: string | undefined
  readonly limit: number
  readonly order: 'asc' | 'desc'
  readonly purpose?: string | undefined
}

export interface Files {
  /** Stores the bytes first: `describe` is called when all have come, and may reject: then nothing remains. Resolves when the file is on disk. */
  create(chunks: AsyncIterable<Buffer>, describe: () => Promise<FileDescription>): Promise<FileRecord>
  /** Lists a file that has no bytes of its own, or whose bytes are stored already. Safe to repeat. */
  add(file: FileRecord): Promise<void>
  get(id: string): Promise<FileRecord | null>
  list(query: ListFilesQuery): Promise<{ readonly data: readonly FileRecord[]; readonly hasMore: boolean }>
  /** False: there was none. */
  delete(id: string): Promise<boolean>
  /** Removes files that have expired, or whose sender has left. */
  sweep(): Promise<void>
}

export interface FilesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly bytes: FileBytes
  /** Resolves when all earlier writes are on disk. */
  readonly confirm: () => Promise<void>
}

export function createFiles({ redis, keys, bytes: fileBytes, confirm }: FilesDependencies): Files {
  const get = async (id: string) =>
    id.startsWith('file-') ? parseFile(id, await redis.hgetall(keys.file(id).meta)) : null

  async function add(file: FileRecord): Promise<void> {
    await redis.hset(keys.file(file.id).meta, packFile(file))
    const listed = redis.multi().zadd(keys.files.all, 0, file.id).zrem(keys.files.arriving, file.id)
    if (file.expiresAt !== null) listed.zadd(keys.files.expiring, file.expiresAt, file.id)
    await listed.exec()
  }

  /** The record last: until then it can be removed again. */
  async function remove(id: string): Promise<void> {
    await fileBytes.remove(id)
    await redis.multi().zrem(keys.files.all, id).zrem(keys.files.expiring, id).exec()
    await redis.unlink(keys.file(id).meta)
  }

  return {
    get,
    add,

    async create(chunks, describe) {
      if ((await redis.zcard(keys.files.all)) >= mostFiles) throw tooMany()
      const now = Date.now()
      const id = createFileId(now)
      const { bytes } = await fileBytes.store(id, chunks)
      try {
        const file: FileRecord = { id, bytes, createdAt: now, output: null, ...(await describe()) }
        await add(file)
        await confirm()
        return file
      } catch (error) {
        await remove(id).catch(() => {})
        throw error
      }
    },

    async list({ after, limit, order, purpose }) {
      const data: FileRecord[] = []
      for (let last = after; ;) {
        const ids = await page(
          last,
          order,
          Math.min(readAtOnce, purpose === undefined ? limit + 1 - data.length : limit + 1),
        )
        if (ids.length === 0) return { data, hasMore: false }
        const files = await Promise.all(ids.map((id) => get(id)))
        data.push(
          ...files
            .filter((file) => file !== null)
            .filter((file) => !hasExpired(file) && (purpose === undefined || file.purpose === purpose)),
        )
        if (data.length > limit) return { data: data.slice(0, limit), hasMore: true }
        last = ids.at(-1)
      }
    },

    async delete(id) {
      const file = await get(id)
      if (file === null) return false
      await remove(id)
      await confirm()
      return true
    },

    async sweep() {
      const now = Date.now()
      for (const id of await redis.zrangebyscore(keys.files.expiring, '-inf', now, 'LIMIT', 0, readAtOnce))
        await remove(id)
      const abandoned = await redis.zrangebyscore(
        keys.files.arriving,
        '-inf',
        now - abandonedMs,
        'LIMIT',
        0,
        readAtOnce,
      )
      for (const id of abandoned) await remove(id)
    },
  }

  function page(after: string | undefined, order: 'asc' | 'desc', count: number): Promise<string[]> {
    return order === 'desc'
      ? redis.zrevrangebylex(keys.files.all, after === undefined ? '+' : `(${after}`, '-', 'LIMIT', 0, count)
      : redis.zrangebylex(keys.files.all, after === undefined ? '-' : `(${after}`, '+', 'LIMIT', 0, count)
  }
}

function tooMany(): Error {
  return invalidRequest(
    'storage_limit_exceeded',
    `There are ${mostFiles.toLocaleString('en')} files, the most that there may be: delete files that are not needed.`,
  )
}
