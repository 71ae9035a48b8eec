import { type Batch, isEnded } from '@sluice/contract/batch'
import type { Batches } from '../engine.ts'
import type { Changes } from '../redis/changes.ts'
import type { Keys } from '../redis/keys.ts'
import type { BatchFinder } from './find-batch.ts'

/** Without a message a batch is read this often. */
const pollMs = 1_000

/** Snapshots of a batch until it has ended, was deleted, or `signal` aborts; at most one every `intervalMs`. */
export function createWatchBatch({
  keys,
  changes,
  finder,
}: {
  readonly keys: Keys
  readonly changes: Changes
  readonly finder: BatchFinder
}): Batches['watch'] {
  return async function* watch(id, { intervalMs, signal }) {
    const first = await finder.get(id)
    using changed = await changes.listen(keys.batch(id).changes)
    yield first
    let last = JSON.stringify(first)
    let batch: Batch | null = first
    while (!isEnded(batch.status) && !signal.aborted) {
      await changed.wait(pollMs, signal)
      await sleep(intervalMs, signal)
      if (signal.aborted) return
      batch = await finder.find(id)
      if (batch === null) return
      const text = JSON.stringify(batch)
      if (text === last) continue
      last = text
      yield batch
    }
  }
}

/** Also resolves when `signal` aborts. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}
