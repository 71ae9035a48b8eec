import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { invalidRequest } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'

/** Compressing one takes about 0.5 ms. */
const blockBytes = 128 * 1024
/** Written, or read, in one round trip: 1 MB of the file. */
const blocksAtOnce = 8

const account = loadScript(new URL('account.lua', import.meta.url))

export interface FileBytesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  /** What all files may take in Redis, compressed. */
  readonly mostBytes: number
  /** Throws if Redis has no memory for new work. */
  readonly checkMemory: () => Promise<void>
}

/** The bytes of files and of the parts of uploads, compressed, and how much all of them take. */
export interface FileBytes {
  /** Stores bytes as they come, in memory that does not depend on their number. Nothing remains if they end with an error. */
  store(id: string, chunks: AsyncIterable<Buffer>): Promise<{ readonly bytes: number }>
  /** The bytes in order. Throws if some of the `bytes` are not there: the file was removed meanwhile. */
  read(id: string, bytes: number): AsyncGenerator<Buffer>
  /** The file is complete: the sweeper leaves it alone. */
  settle(id: string): Promise<void>
  remove(id: string): Promise<void>
}

export function createFileBytes({ redis, keys, mostBytes, checkMemory }: FileBytesDependencies): FileBytes {
  const noteSize = async (id: string, bytes: number, now: number | '') => {
    const args = { id, bytes, most: mostBytes, now }
    const [done, all] = (await account(redis, keys.files, args)) as [number, number]
    if (done === 0) throw full(all, mostBytes)
  }

  async function remove(id: string): Promise<void> {
    await redis.unlink(keys.file(id).bytes)
    await noteSize(id, 0, '')
  }

  return {
    remove,

    async store(id, chunks) {
      const key = keys.file(id).bytes
      let bytes = 0
      let stored = 0
      try {
        await checkMemory()
        for await (const blocks of inGroups(inBlocks(chunks), blocksAtOnce)) {
          const packed = blocks.map((block) => zstdCompressSync(block))
          stored += packed.reduce((sum, { length }) => sum + length, 0)
          await noteSize(id, stored, Date.now())
          await checkMemory()
          const writing = blocks.map((block, i) => {
            bytes += block.length
            return redis.xadd(key, `${bytes}-0`, 'z', packed[i] as Buffer)
          })
          await Promise.all(writing)
        }
        return { bytes }
      } catch (error) {
        // If Redis is away, the sweeper removes it.
        await remove(id).catch(() => {})
        throw error
      }
    },

    async *read(id, bytes) {
      const key = keys.file(id).bytes
      for (let at = 0; at < bytes;) {
        const entries = await redis.xrangeBuffer(key, `(${at}-0`, '+', 'COUNT', blocksAtOnce)
        if (entries.length === 0) throw new FileGoneError(id)
        for (const [entryId, fields] of entries) {
          const packed = fields[1]
          if (packed === undefined) throw new Error(`Block ${entryId.toString()} of ${key} is empty.`)
          at = Number.parseInt(entryId.toString(), 10)
          yield zstdDecompressSync(packed)
        }
      }
    },

    async settle(id) {
      await redis.zrem(keys.files.arriving, id)
    },
  }
}

/** The file was removed while it was read. */
export class FileGoneError extends Error {
  override readonly name = 'FileGoneError'
  constructor(id: string) {
    super(`The file '${id}' was removed while it was read.`)
  }
}

function full(all: number, most: number): Error {
  const megabytes = (bytes: number) => Math.round(bytes / 1_048_576)
  return invalidRequest(
    'storage_limit_exceeded',
    `All files take ${megabytes(all)} of at most ${megabytes(most)} MB: delete files that are not needed, or raise SLUICE_FILES_MB.`,
  )
}

async function* inBlocks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length;) {
      const part = chunk.subarray(from, from + blockBytes - length)
      held.push(part)
      length += part.length
      from += part.length
      if (length < blockBytes) continue
      yield Buffer.concat(held)
      held = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(held)
}

async function* inGroups<T>(values: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = []
  for await (const value of values) {
    group.push(value)
    if (group.length < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
