import type { RequestEndpoint } from '@sluice/contract/request-task'
import type { Redis } from 'ioredis'
import { createBatchId } from '../batches/batch-id.ts'
import type { Results } from '../engine.ts'
import { FileGoneError } from '../files/file-bytes.ts'
import type { FileRecord } from '../files/file-record.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Keys } from '../redis/keys.ts'
import type { EnqueueFileBatch } from './file-batch-job.ts'
import { type FileBatchRecord, type FileBatchStatus, type FileBatchStore, isFinal } from './file-batch-store.ts'
import { leftOver } from './finalize.ts'
import { fileOf, outputLine } from './output-lines.ts'

const windowMs = 24 * 3_600_000
/** Text that is handed on at once: about 1 ms to send. */
const chunkLength = 65_536

interface NewFileBatch {
  readonly endpoint: RequestEndpoint
  readonly inputFileId: string
  readonly completionWindow: string
  readonly metadata: Readonly<Record<string, string>> | null
  readonly outputExpiresAfterS: number | null
}

/** Batches whose items are the lines of a file, and whose results are files: OpenAI's. */
export interface FileBatches {
  /** Resolves when it is on disk. Whether its file is there and valid shows later, in its status. */
  create(input: NewFileBatch): Promise<FileBatchRecord>
  /** With the counts of its items. Null: there is none. */
  get(id: string): Promise<FileBatchRecord | null>
  /** Newest first. */
  list(page: {
    readonly after?: string | undefined
    readonly limit: number
  }): Promise<{ readonly data: readonly FileBatchRecord[]; readonly hasMore: boolean }>
  /** Null: there is none. `refused`: it has ended, in this status. */
  cancel(id: string): Promise<FileBatchRecord | { readonly refused: FileBatchStatus } | null>
  /** The lines of an output or error file, composed from the results. Throws a FileGoneError if these were removed. */
  readOutput(file: FileRecord, options: { readonly signal: AbortSignal }): AsyncGenerator<Buffer>
}

export interface FileBatchesDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly ledger: Ledger
  readonly results: Results
  readonly store: FileBatchStore
  readonly enqueueFileBatch: EnqueueFileBatch
  readonly confirm: () => Promise<void>
}

export function createFileBatches(dependencies: FileBatchesDependencies): FileBatches {
  const { redis, keys, ledger, results, store, enqueueFileBatch, confirm } = dependencies

  async function get(id: string): Promise<FileBatchRecord | null> {
    const record = await store.read(id)
    if (record === null || record.counts !== null || record.status === 'validating') return record
    const items = await readBatchMeta(redis, keys.batch(id), 'total', 'succeeded', 'failed')
    if (items === null || items.status === 'staging') return record
    return { ...record, counts: { total: items.total, completed: items.succeeded, failed: items.failed } }
  }

  return {
    get,

    async create(input) {
      const createdAt = Date.now()
      const record: FileBatchRecord = {
        id: createBatchId(createdAt),
        status: 'validating',
        ...input,
        model: null,
        createdAt,
        inProgressAt: null,
        expiresAt: createdAt + windowMs,
        finalizingAt: null,
        completedAt: null,
        failedAt: null,
        expiredAt: null,
        cancellingAt: null,
        cancelledAt: null,
        isExpiring: false,
        errors: null,
        outputFileId: null,
        errorFileId: null,
        counts: null,
        usage: null,
      }
      await store.create(record)
      await enqueueFileBatch(record.id)
      await confirm()
      return record
    },

    async list({ after, limit }) {
      const ids = await store.list(after, limit + 1)
      const records = await Promise.all(ids.slice(0, limit).map((id) => get(id)))
      return { data: records.filter((record) => record !== null), hasMore: ids.length > limit }
    },

    async cancel(id) {
      for (;;) {
        const record = await store.read(id)
        if (record === null) return null
        const { status } = record
        if (status === 'cancelled' || status === 'cancelling') break
        if (isFinal(status) || status === 'finalizing') return { refused: status }
        if (!(await store.move(id, status, { status: 'cancelling', cancellingAt: Date.now() }))) continue
        // Its job does this too; here it happens at once.
        await ledger.cancel(id)
        break
      }
      await enqueueFileBatch(id)
      await confirm()
      return get(id)
    },

    async *readOutput({ id: fileId, output }, { signal }) {
      if (output === null) throw new Error(`The file '${fileId}' has bytes of its own.`)
      const { batchId, of } = output
      const record = await store.read(batchId)
      const meta = await readBatchMeta(redis, keys.batch(batchId))
      if (record === null || meta === null) throw new FileGoneError(fileId)
      let chunk = ''
      const status = of === 'succeeded' ? { status: of } : {}
      for await (const page of await results.read(
        batchId,
        { order: 'completion', follow: false, ...status },
        { signal },
      )) {
        for (const result of page) {
          if (fileOf(result) !== of) continue
          chunk += outputLine(batchId, result, leftOver(record))
          if (chunk.length < chunkLength) continue
          yield Buffer.from(chunk)
          chunk = ''
        }
      }
      if (chunk !== '') yield Buffer.from(chunk)
    },
  }
}
