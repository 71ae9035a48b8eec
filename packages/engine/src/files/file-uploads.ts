import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { createFileId, createFilePartId, createFileUploadId } from '../batches/batch-id.ts'
import type { Keys } from '../redis/keys.ts'
import { loadScript } from '../redis/script.ts'
import type { FileBytes } from './file-bytes.ts'
import type { FilePurpose, FileRecord } from './file-record.ts'
import type { Files } from './files.ts'

/** As at OpenAI. */
const openMs = 3_600_000
/** Ended uploads can be read for so long. */
const shownMs = 24 * 3_600_000
const mostParts = 10_000

const move = loadScript(new URL('move-upload.lua', import.meta.url))

export interface FileUpload {
  readonly id: string
  readonly status: 'pending' | 'completed' | 'cancelled' | 'expired'
  readonly filename: string
  readonly purpose: FilePurpose
  readonly mimeType: string
  readonly bytes: number
  /** Unix ms. */
  readonly createdAt: number
  readonly expiresAt: number
  /** Seconds from its creation to the end of the file; null: as the purpose has it. */
  readonly fileExpiresS: number | null
  /** Of a completed upload. */
  readonly fileId: string | null
}

type NewFileUpload = Pick<FileUpload, 'filename' | 'purpose' | 'mimeType' | 'bytes' | 'fileExpiresS'>

type Completed =
  | { readonly type: 'completed'; readonly upload: FileUpload; readonly file: FileRecord }
  | { readonly type: 'not-pending'; readonly status: FileUpload['status'] }
  | { readonly type: 'unknown-part'; readonly partId: string }
  | { readonly type: 'wrong-size'; readonly bytes: number }
  | { readonly type: 'wrong-md5' }

export interface FileUploads {
  create(input: NewFileUpload): Promise<FileUpload>
  /** Null: there is none. */
  get(id: string): Promise<FileUpload | null>
  addPart(
    id: string,
    chunks: AsyncIterable<Buffer>,
  ): Promise<{ readonly partId: string; readonly createdAt: number } | { readonly refused: 'not-pending' | 'too-many' }>
  /** Makes one file of the parts, in the order given. `expiresAt` is that of the file. */
  complete(
    id: string,
    input: { readonly partIds: readonly string[]; readonly md5: string | undefined; readonly expiresAt: number | null },
  ): Promise<Completed>
  cancel(id: string): Promise<FileUpload | { readonly refused: FileUpload['status'] }>
  sweep(): Promise<void>
}

export interface FileUploadsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly bytes: FileBytes
  readonly files: Files
  readonly confirm: () => Promise<void>
}

export function createFileUploads(dependencies: FileUploadsDependencies): FileUploads {
  const { redis, keys, bytes: fileBytes, files, confirm } = dependencies

  async function get(id: string): Promise<FileUpload | null> {
    if (!id.startsWith('upload_')) return null
    const fields = await redis.hgetall(keys.fileUpload(id).meta)
    if (fields['json'] === undefined) return null
    const upload = {
      ...(JSON.parse(fields['json']) as Omit<FileUpload, 'status' | 'fileId'>),
      fileId: fields['fileId'] || null,
    }
    const status = fields['status'] as FileUpload['status']
    return { ...upload, status: status === 'pending' && upload.expiresAt <= Date.now() ? 'expired' : status }
  }

  const moveTo = async (id: string, from: FileUpload['status'], to: FileUpload['status'], fileId = '') =>
    (await move(redis, keys.fileUpload(id), { from, to, fileId })) === 1

  async function removeParts(id: string): Promise<void> {
    const key = keys.fileUpload(id).parts
    for (const partId of await redis.hkeys(key)) await fileBytes.remove(partId)
    await redis.unlink(key)
  }

  return {
    get,

    async create(input) {
      const createdAt = Date.now()
      const upload = { id: createFileUploadId(createdAt), ...input, createdAt, expiresAt: createdAt + openMs }
      await redis.hset(keys.fileUpload(upload.id).meta, { json: JSON.stringify(upload), status: 'pending' })
      await redis.zadd(keys.files.uploads, upload.expiresAt, upload.id)
      await confirm()
      return { ...upload, status: 'pending', fileId: null }
    },

    async addPart(id, chunks) {
      if ((await get(id))?.status !== 'pending') return { refused: 'not-pending' }
      const key = keys.fileUpload(id).parts
      if ((await redis.hlen(key)) >= mostParts) return { refused: 'too-many' }
      const createdAt = Date.now()
      const partId = createFilePartId(createdAt)
      const { bytes } = await fileBytes.store(partId, chunks)
      await redis.hset(key, partId, bytes)
      await fileBytes.settle(partId)
      await confirm()
      return { partId, createdAt }
    },

    async complete(id, { partIds, md5, expiresAt }) {
      const upload = await get(id)
      if (upload === null || upload.status !== 'pending')
        return { type: 'not-pending', status: upload?.status ?? 'cancelled' }
      const sizes = await redis.hgetall(keys.fileUpload(id).parts)
      const unknown = partIds.find((partId) => sizes[partId] === undefined)
      if (unknown !== undefined) return { type: 'unknown-part', partId: unknown }
      const total = partIds.reduce((sum, partId) => sum + Number(sizes[partId]), 0)
      if (total !== upload.bytes) return { type: 'wrong-size', bytes: total }
      const createdAt = Date.now()
      const fileId = createFileId(createdAt)
      const hash = createHash('md5')
      await fileBytes.store(fileId, joined(partIds, sizes, hash))
      if (md5 !== undefined && hash.digest('hex') !== md5.toLowerCase()) {
        await fileBytes.remove(fileId)
        return { type: 'wrong-md5' }
      }
      const { filename, purpose } = upload
      const file: FileRecord = { id: fileId, bytes: total, createdAt, filename, purpose, expiresAt, output: null }
      // Of two requests at once, or one and a cancel, one wins; a process that dies here leaves a file that the sweeper removes.
      if (!(await moveTo(id, 'pending', 'completed', fileId))) {
        await fileBytes.remove(fileId)
        return { type: 'not-pending', status: (await get(id))?.status ?? 'cancelled' }
      }
      await files.add(file)
      await removeParts(id)
      await confirm()
      return { type: 'completed', upload: { ...upload, status: 'completed', fileId }, file }
    },

    async cancel(id) {
      const upload = await get(id)
      if (upload?.status !== 'pending') return { refused: upload?.status ?? 'cancelled' }
      // Completed, or cancelled, in this moment.
      if (!(await moveTo(id, 'pending', 'cancelled'))) return { refused: (await get(id))?.status ?? 'cancelled' }
      await removeParts(id)
      return { ...upload, status: 'cancelled' }
    },

    async sweep() {
      for (const id of await redis.zrangebyscore(keys.files.uploads, '-inf', Date.now(), 'LIMIT', 0, 200)) {
        await removeParts(id)
        await redis.pexpire(keys.fileUpload(id).meta, shownMs)
        await redis.zrem(keys.files.uploads, id)
      }
    },
  }

  async function* joined(
    partIds: readonly string[],
    sizes: Readonly<Record<string, string>>,
    hash: ReturnType<typeof createHash>,
  ): AsyncGenerator<Buffer> {
    for (const partId of partIds) {
      for await (const chunk of fileBytes.read(partId, Number(sizes[partId]))) {
        hash.update(chunk)
        yield chunk
      }
    }
  }
}
