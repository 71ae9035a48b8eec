import type { Batch } from '@sluice/contract/batch'
import { sleep } from './back-off.ts'
import { BatchPausedError } from './errors.ts'

/** Without an `onProgress` the state of a batch is not requested before this time, so that short batches need no extra request. */
const watchAfterMs = 2_000

export interface BatchWatch {
  /** Aborts with what must end the reading of results: the caller's reason, a BatchPausedError, or what `onProgress` threw. */
  readonly signal: AbortSignal
  /** Resolves when the last progress was reported; rejects with what ended it. */
  finished(): Promise<void>
  /** Resolves when the watch has stopped. */
  stop(): Promise<void>
}

/** Watches a batch while its results are read: reports progress, and ends the reading of a batch that is paused until someone fixes a problem. */
export function watchBatch(
  progress: (signal: AbortSignal) => AsyncIterable<Batch>,
  { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: ((batch: Batch) => void) | undefined },
): BatchWatch {
  const done = new AbortController()
  const failed = new AbortController()
  const reading = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal])
  const watching = watch().catch((error: unknown) => {
    if (!done.signal.aborted) failed.abort(error)
  })

  return {
    signal: reading,
    async finished() {
      if (onProgress !== undefined) await watching
      reading.throwIfAborted()
    },
    async stop() {
      done.abort()
      await watching
    },
  }

  async function watch(): Promise<void> {
    const ending = AbortSignal.any([reading, done.signal])
    if (onProgress === undefined) await sleep(watchAfterMs, ending)
    for await (const batch of progress(ending)) {
      onProgress?.(batch)
      throwIfStuck(batch)
    }
  }
}

/** A batch that a user paused is not stuck: that user will resume it. */
export function throwIfStuck(batch: Batch): void {
  if (batch.status === 'paused' && batch.pause_reason !== 'user') throw new BatchPausedError(batch)
}
