import type { LaneConfig } from '@sluice/contract/lane'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { createFileBytes, type FileBytes } from '../files/file-bytes.ts'
import { createFileUploads, type FileUploads } from '../files/file-uploads.ts'
import { createFiles, type Files } from '../files/files.ts'
import type { Keys } from '../redis/keys.ts'
import { createEnqueueFileBatch, createSweepFileBatches, type EnqueueFileBatch } from './file-batch-job.ts'
import { createFileBatchStore, type FileBatchStore } from './file-batch-store.ts'
import { createModels, type Models } from './models.ts'

/** All files, compressed, where nothing else is configured. */
const defaultMostBytes = 2 * 1024 * 1_048_576

export interface FileRoomsDependencies {
  readonly redis: Redis
  readonly keys: Keys
  /** The queue `files`. */
  readonly queue: Queue
  readonly lanes: Readonly<Record<string, LaneConfig>>
  readonly mostBytes?: number | undefined
  readonly confirm: () => Promise<void>
  readonly checkMemory: () => Promise<void>
}

/** What the API and the workers share of files and the batches over them. */
export interface FileRooms {
  readonly files: Files
  readonly fileBytes: FileBytes
  readonly fileUploads: FileUploads
  readonly store: FileBatchStore
  readonly models: Models
  readonly enqueueFileBatch: EnqueueFileBatch
  /** Removes what has expired or was abandoned, and adds lost jobs again. */
  readonly sweep: () => Promise<void>
}

export function openFileRooms({
  lanes,
  queue,
  mostBytes = defaultMostBytes,
  ...rest
}: FileRoomsDependencies): FileRooms {
  const fileBytes = createFileBytes({ ...rest, mostBytes })
  const files = createFiles({ ...rest, bytes: fileBytes })
  const fileUploads = createFileUploads({ ...rest, bytes: fileBytes, files })
  const store = createFileBatchStore(rest)
  const enqueueFileBatch = createEnqueueFileBatch({ store, queue })
  const sweepFileBatches = createSweepFileBatches({ store, enqueueFileBatch })
  return {
    files,
    fileBytes,
    fileUploads,
    store,
    models: createModels(lanes),
    enqueueFileBatch,
    async sweep() {
      await sweepFileBatches()
      await files.sweep()
      await fileUploads.sweep()
    },
  }
}
