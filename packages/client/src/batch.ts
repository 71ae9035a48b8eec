import { type Batch, batch, deletedBatch, isEnded, type PatchBatch } from '@sluice/contract/batch'
import {
  type BatchItemDetail,
  batchItemDetail,
  type BatchItemList,
  batchItemList,
  type FailureGroupList,
  failureGroupList,
  type ListItemsQuery,
  type Timeline,
  timeline,
} from '@sluice/contract/batch-item'
import { retried, type retryBatch } from '@sluice/contract/result'
import type { z } from 'zod'
import { ConflictError, ItemError, SluiceError } from './errors.ts'
import type { Http } from './http.ts'
import type { ProgressOptions, SubmitOptions, WaitOptions } from './options.ts'
import { type ItemResult, readProgress, readResults, type ResultsOptions } from './results.ts'
import type { Check } from './schema.ts'
import { throwIfStuck, watchBatch } from './watch-batch.ts'

export type RetryOptions = z.input<typeof retryBatch>
export type ItemsQuery = Partial<ListItemsQuery>
export type Retried = z.output<typeof retried>

/** An item's value or error, with its position in the input. */
export interface Completed<Value> {
  readonly index: number
  readonly id: string
  readonly value: Value
}

/** A batch by its id: durable, and accessible from any process. Every method throws an ApiError or a ConnectionError. */
export interface BatchHandle<Value> {
  readonly id: string
  /** The current state. */
  status(): Promise<Batch>
  /** Snapshots until the batch has ended; the first one at once. */
  progress(options?: { readonly signal?: AbortSignal }): AsyncGenerator<Batch>
  /** Waits for the end and resolves to the last state. Rejects with a BatchPausedError if waiting does not help. */
  wait(options?: ProgressOptions & Pick<SubmitOptions, 'signal'>): Promise<Batch>
  /** Every result with its cursor. By default in input order, until the batch has ended. */
  results(options?: ResultsOptions): AsyncGenerator<ItemResult<Value>>
  /** All values in input order. Rejects with the first ItemError, in order of completion. The signal only ends the waiting, unless `onAbort` is `cancel`. */
  gather(options: WaitOptions & { readonly returnExceptions: true }): Promise<(Value | ItemError)[]>
  gather(options?: WaitOptions): Promise<Value[]>
  /** Values in order of completion. Ends with the first ItemError. */
  asCompleted(options: WaitOptions & { readonly returnExceptions: true }): AsyncGenerator<Completed<Value | ItemError>>
  asCompleted(options?: WaitOptions): AsyncGenerator<Completed<Value>>
  /** Values in input order, each as soon as all values before it are available. */
  sequential(options: WaitOptions & { readonly returnExceptions: true }): AsyncGenerator<Value | ItemError>
  sequential(options?: WaitOptions): AsyncGenerator<Value>
  pause(): Promise<Batch>
  resume(): Promise<Batch>
  /** Aborts calls in flight; finished items are kept. */
  cancel(): Promise<Batch>
  /** Changes the batch while it runs. */
  update(patch: PatchBatch): Promise<Batch>
  /** Its failures in groups: by type, field of the schema, and message. `retry({ error_group })` retries one. */
  errors(): Promise<FailureGroupList>
  /** A page of its items with their state. */
  items(query?: ItemsQuery): Promise<BatchItemList>
  /** An item with its text, its result and each call that was made for it. */
  item(index: number): Promise<BatchItemDetail>
  /** What happened to it, and how far it was at which time. */
  timeline(): Promise<Timeline>
  /** Retries failed items, all or the chosen ones. */
  retry(options?: RetryOptions): Promise<Retried>
  /** Deletes an ended batch with its items and results. */
  delete(): Promise<void>
}

/** `total`: the number of items, if it is known. */
export function createBatchHandle<Value>(http: Http, id: string, check: Check, total?: number): BatchHandle<Value> {
  const path = `/v1/batches/${encodeURIComponent(id)}`
  const act = (verb: 'pause' | 'resume' | 'cancel') =>
    http.json(batch, { method: 'POST', path: `${path}/${verb}`, repeat: 'safe' })

  const handle: BatchHandle<Value> = {
    id,
    status: () => http.json(batch, { method: 'GET', path, repeat: 'safe' }),
    progress: ({ signal } = {}) => readProgress(http, id, signal),
    async wait({ signal, onProgress } = {}) {
      let last: Batch | undefined
      for await (last of handle.progress(signal === undefined ? {} : { signal })) {
        onProgress?.(last)
        throwIfStuck(last)
      }
      // The stream also ends when the batch is deleted.
      return last !== undefined && isEnded(last.status) ? last : handle.status()
    },
    results: (options = {}) => readResults<Value>(http, id, check, options),

    async gather(options: WaitOptions = {}) {
      const values: (Value | ItemError)[] = []
      for await (const { index, value } of completed('completion', options)) values[index] = value
      return values as Value[]
    },
    asCompleted(options: WaitOptions = {}) {
      return completed('completion', options) as AsyncGenerator<Completed<Value>>
    },
    async *sequential(options: WaitOptions = {}): AsyncGenerator<Value> {
      for await (const { value } of completed('input', options)) yield value as Value
    },

    pause: () => act('pause'),
    resume: () => act('resume'),
    cancel: () => act('cancel'),
    update: (patch) => http.json(batch, { method: 'PATCH', path, body: JSON.stringify(patch), repeat: 'safe' }),
    errors: () => http.json(failureGroupList, { method: 'GET', path: `${path}/errors`, repeat: 'safe' }),
    items(query = {}) {
      const search = new URLSearchParams()
      for (const [name, value] of Object.entries(query)) {
        if (typeof value === 'string' || typeof value === 'number') search.set(name, String(value))
      }
      return http.json(batchItemList, { method: 'GET', path: `${path}/items?${search.toString()}`, repeat: 'safe' })
    },
    item: (index) => http.json(batchItemDetail, { method: 'GET', path: `${path}/items/${index}`, repeat: 'safe' }),
    timeline: () => http.json(timeline, { method: 'GET', path: `${path}/timeline`, repeat: 'safe' }),
    // A repeated request would return the count of the second one.
    retry: (options = {}) =>
      http.json(retried, { method: 'POST', path: `${path}/retry`, body: JSON.stringify(options), repeat: 'never' }),
    async delete() {
      await http.json(deletedBatch, { method: 'DELETE', path, repeat: 'never' })
    },
  }
  return handle

  /** Every item once. */
  async function* completed(
    order: 'input' | 'completion',
    { signal, onAbort = 'detach', onProgress, returnExceptions = false }: WaitOptions,
  ): AsyncGenerator<Completed<Value | ItemError>> {
    const cancelling = cancelOn(onAbort === 'cancel' ? signal : undefined)
    const watch = watchBatch((ending) => handle.progress({ signal: ending }), { signal, onProgress })
    const seen = new Set<number>()
    try {
      const expected = total ?? (await handle.status()).counts.total
      for await (const one of handle.results({ order, signal: watch.signal })) {
        // A retried item comes a second time.
        if (seen.has(one.index)) continue
        seen.add(one.index)
        if (one.status === 'succeeded') yield { index: one.index, id: one.id, value: one.data }
        else if (returnExceptions) yield { index: one.index, id: one.id, value: new ItemError(id, one) }
        else throw new ItemError(id, one)
        // The end of the stream comes a little later than its last result.
        if (seen.size === expected) break
      }
      await watch.finished()
      if (seen.size < expected)
        throw new SluiceError(`Batch '${id}' ended with ${seen.size} of ${expected} results: was it deleted?`)
    } finally {
      await watch.stop()
      await cancelling.settled()
    }
  }

  /** Cancels the batch as soon as the signal aborts, also between two reads. `settled` rejects if the batch could not be cancelled. */
  function cancelOn(signal: AbortSignal | undefined): { readonly settled: () => Promise<unknown> } {
    let cancelled: Promise<unknown> | undefined
    const cancel = (): void => {
      cancelled = handle.cancel()
      cancelled.catch(() => {})
    }
    if (signal?.aborted) cancel()
    else signal?.addEventListener('abort', cancel, { once: true })
    return {
      async settled() {
        signal?.removeEventListener('abort', cancel)
        // The batch may have ended meanwhile.
        await cancelled?.catch((error: unknown) => {
          if (!(error instanceof ConflictError)) throw error
        })
      },
    }
  }
}
