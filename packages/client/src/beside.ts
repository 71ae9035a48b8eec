import type { Batch } from '@sluice/contract/batch'
import { sleep } from './back-off.ts'
import { BatchPausedError } from './errors.ts'

/** When nobody asked for progress, a batch that is done within this time is never asked for its state. */
const lookAfterMs = 2_000

export interface Beside {
  /** Aborts with what should end the reading: the caller's reason, a BatchPausedError, or what `onProgress` threw. */
  readonly signal: AbortSignal
  /** Resolves when progress was told to the end; rejects with what ended it. */
  told(): Promise<void>
  /** Nothing of it is left when this resolves. */
  stop(): Promise<void>
}

/** Runs beside the reading of results: tells progress, and ends the reading of a batch that waits for somebody to mend something. */
export function watchBeside(
  progress: (signal: AbortSignal) => AsyncIterable<Batch>,
  { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: ((batch: Batch) => void) | undefined },
): Beside {
  const done = new AbortController()
  const failed = new AbortController()
  const reading = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal])
  const watching = watch().catch((error: unknown) => {
    if (!done.signal.aborted) failed.abort(error)
  })

  return {
    signal: reading,
    async told() {
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
    if (onProgress === undefined) await sleep(lookAfterMs, ending)
    for await (const batch of progress(ending)) {
      onProgress?.(batch)
      throwIfStuck(batch)
    }
  }
}

/** One that a user paused is waited for: somebody is at it. */
export function throwIfStuck(batch: Batch): void {
  if (batch.status === 'paused' && batch.pause_reason !== 'user') throw new BatchPausedError(batch)
}
