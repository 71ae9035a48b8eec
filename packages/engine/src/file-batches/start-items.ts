import type { BatchOptions } from '@sluice/contract/batch'
import type { Item } from '@sluice/contract/item'
import type { Redis } from 'ioredis'
import type { EnqueueBatch } from '../batches/enqueue-batch.ts'
import { forgetBatch } from '../batches/forget-batch.ts'
import type { StageBatch } from '../batches/stage-batch.ts'
import type { FileBytes } from '../files/file-bytes.ts'
import { type FileRecord, hasExpired } from '../files/file-record.ts'
import type { Files } from '../files/files.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import type { Keys } from '../redis/keys.ts'
import type { FileBatchRecord, LineError } from './file-batch-store.ts'
import type { Models } from './models.ts'
import { readRequests } from './read-requests.ts'

/** Items of one batch do not come before those of others because they came in a file. */
const priority = 10

type Started =
  | { readonly type: 'started'; readonly model: string | null }
  | { readonly type: 'invalid'; readonly model: string | null; readonly errors: readonly LineError[] }
  /** The batch is not `validating` any more. */
  | { readonly type: 'moved' }

/** Reads the input file of a batch, and stages and starts its items if every line is valid. Safe to run again after it broke off. */
export type StartItems = (record: FileBatchRecord, options: { readonly signal: AbortSignal }) => Promise<Started>

export interface StartItemsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly files: Files
  readonly fileBytes: FileBytes
  readonly models: Models
  readonly stage: StageBatch
  readonly enqueueBatch: EnqueueBatch
  readonly isValidating: (id: string) => Promise<boolean>
  /** How long the results of a batch are kept that says nothing about it. */
  readonly keptMs: number
}

class StoppedError extends Error {
  override readonly name = 'StoppedError'
}

export function createStartItems(dependencies: StartItemsDependencies): StartItems {
  const { redis, keys, files, fileBytes, models, stage, enqueueBatch, isValidating, keptMs } = dependencies

  return async (record, { signal }) => {
    const { id, endpoint, inputFileId } = record
    const before = await readBatchMeta(redis, keys.batch(id), 'total')
    if (before !== null && before.status !== 'staging') return started(record)
    // An earlier attempt broke off.
    await forgetBatch(redis, keys, id)
    const file = await files.get(inputFileId)
    if (file === null || hasExpired(file)) return invalid(record.model, [unknownFile(inputFileId)])
    if (file.purpose !== 'batch') return invalid(record.model, [wrongPurpose(file)])
    const reading = readRequests(fileBytes.read(file.id, file.bytes), { endpoint, models })
    const first = await reading.items.next()
    const place = reading.place()
    if (first.done === true || place === null) return invalid(place?.named ?? null, reading.errors)
    const requests = { object: 'request', endpoint, lane: place.lane } as const
    const options: BatchOptions = { priority, metadata: { ...record.metadata } }
    const fields = {
      from_file: true,
      kept_ms: record.outputExpiresAfterS === null ? keptMs : record.outputExpiresAfterS * 1_000,
    }
    try {
      await stage.stage(id, { requests, options }, checked(first.value), fields)
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error
      await forgetBatch(redis, keys, id)
      return reading.errors.length > 0 ? invalid(place.named, reading.errors) : { type: 'moved' }
    }
    const sealed = await stage.seal(id, reading.count())
    // Another process stages it again, after this one was taken for dead.
    if (sealed !== 'sealed') throw new Error(`The items of '${id}' were removed while they were staged.`)
    return started({ ...record, model: place.named })

    /** Ends with an error if the batch must not begin. */
    async function* checked(one: Item): AsyncGenerator<Item> {
      yield one
      for await (const item of reading.items) {
        signal.throwIfAborted()
        yield item
      }
      if (reading.errors.length > 0 || !(await isValidating(id))) throw new StoppedError()
    }
  }

  async function started({ id, model }: FileBatchRecord): Promise<Started> {
    await enqueueBatch(id)
    return { type: 'started', model }
  }
}

function invalid(model: string | null, errors: readonly LineError[]): Started {
  return { type: 'invalid', model, errors }
}

function wrongPurpose({ id, purpose }: FileRecord): LineError {
  const message = `Invalid purpose of file ${id}: expected 'batch', but got '${purpose}' instead.`
  return { code: 'invalid_request', message, param: 'file_id', line: null }
}

function unknownFile(fileId: string): LineError {
  const message = `Cannot find file ${fileId}, or organization sluice does not have access to it.`
  return { code: 'invalid_request', message, param: 'file_id', line: null }
}
