import type { Redis } from 'ioredis'
import { createFileId } from '../batches/batch-id.ts'
import type { Results } from '../engine.ts'
import type { FileRecord } from '../files/file-record.ts'
import type { Files } from '../files/files.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import type { FileBatchRecord, FileBatchUsage, RequestCounts } from './file-batch-store.ts'
import { fileOf, type LeftOver, type OutputOf, outputLine, reasoningTokens } from './output-lines.ts'

interface Finalized {
  readonly counts: RequestCounts
  readonly usage: FileBatchUsage
  /** Null: it would be empty. */
  readonly outputFileId: string | null
  readonly errorFileId: string | null
}

/**
 * Lists the output and the error file of a batch whose items have ended. Their lines are not stored again: they are composed from the
 * results when they are read. Here they are composed once to learn their number of bytes, page by page.
 */
export type Finalize = (record: FileBatchRecord) => Promise<Finalized>

export interface FinalizeDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly files: Files
  readonly results: Results
  /** How long results are kept at most; null: for ever. */
  readonly retentionMs: number | null
}

export function createFinalize({ redis, keys, files, results, retentionMs }: FinalizeDependencies): Finalize {
  return async (record) => {
    const { id } = record
    const bytes: Record<OutputOf, number> = { succeeded: 0, failed: 0 }
    let reasoning = 0
    const query = { order: 'completion', follow: false } as const
    for await (const page of await results.read(id, query, { signal: new AbortController().signal })) {
      for (const result of page) {
        bytes[fileOf(result)] += Buffer.byteLength(outputLine(id, result, leftOver(record)))
        reasoning += reasoningTokens(result)
      }
    }
    const meta = await readBatchMeta(
      redis,
      keys.batch(id),
      'total',
      'succeeded',
      'failed',
      'kept_ms',
      'finished_at',
      'input_tokens',
      'cached_input_tokens',
      'output_tokens',
    )
    if (meta === null) throw new Error(`The items of '${id}' were removed while its files were made.`)
    const createdAt = meta.finished_at ?? Date.now()
    const kept = Math.min(meta.kept_ms ?? Number.POSITIVE_INFINITY, retentionMs ?? Number.POSITIVE_INFINITY)
    const expiresAt = Number.isFinite(kept) ? createdAt + kept : null
    const file = async (of: OutputOf, name: string): Promise<string | null> => {
      if (bytes[of] === 0) return null
      const fileId = derivedFileId(id, createdAt, of)
      const output: FileRecord = {
        id: fileId,
        bytes: bytes[of],
        createdAt,
        filename: `${id}_${name}.jsonl`,
        purpose: 'batch_output',
        expiresAt,
        output: { batchId: id, of },
      }
      await files.add(output)
      return fileId
    }
    return {
      counts: { total: meta.total, completed: meta.succeeded, failed: meta.failed },
      usage: {
        inputTokens: meta.input_tokens,
        cachedTokens: meta.cached_input_tokens,
        outputTokens: meta.output_tokens,
        reasoningTokens: reasoning,
      },
      outputFileId: await file('succeeded', 'output'),
      errorFileId: await file('failed', 'error'),
    }
  }
}

export function leftOver({ isExpiring }: FileBatchRecord): LeftOver {
  return isExpiring ? 'batch_expired' : 'batch_cancelled'
}

/** The same each time, so that a step that runs twice lists one file: the time of a new id, and the random part of the batch's. */
function derivedFileId(batchId: string, createdAt: number, of: OutputOf): string {
  const random = batchId.slice('batch_'.length + timeLength)
  const time = createFileId(createdAt).slice(0, 'file-'.length + timeLength)
  return `${time}${random}${of === 'succeeded' ? 'o' : 'e'}`
}

const timeLength = 9
