import { type Batch, batch, deletedBatch, isEnded, type PatchBatch } from '@sluice/contract/batch'
import { retried, type retryBatch } from '@sluice/contract/result'
import type { z } from 'zod'
import { throwIfStuck, watchBeside } from './beside.ts'
import { ConflictError, ItemError, SluiceError } from './errors.ts'
import type { Http } from './http.ts'
import type { ProgressOptions, SubmitOptions, WaitOptions } from './options.ts'
import { type ItemResult, readProgress, readResults, type ResultsOptions } from './results.ts'
import type { Check } from './schema.ts'

export type RetryOptions = z.input<typeof retryBatch>
export type Retried = z.output<typeof retried>

/** An item's value, or what became of it, with its place in the input. */
export interface Completed<Value> {
  readonly index: number
  readonly id: string
  readonly value: Value
}

/** A batch by its id: durable, and to be had again from any process. Every method throws an ApiError or a ConnectionError. */
export interface BatchHandle<Value> {
  readonly id: string
  /** As it is now. */
  status(): Promise<Batch>
  /** Snapshots, the first at once, until it has ended. */
  progress(options?: { readonly signal?: AbortSignal }): AsyncGenerator<Batch>
  /** Its last state. Rejects with BatchPausedError when waiting does not help. */
  wait(options?: ProgressOptions & Pick<SubmitOptions, 'signal'>): Promise<Batch>
  /** Every result with its cursor, in input order and until the batch has ended unless `options` say otherwise. */
  results(options?: ResultsOptions): AsyncGenerator<ItemResult<Value>>
  /** All values in input order. Rejects with the first ItemError, in order of completion. The signal only ends the waiting, unless `onAbort` says `cancel`. */
  gather(options: WaitOptions & { readonly returnExceptions: true }): Promise<(Value | ItemError)[]>
  gather(options?: WaitOptions): Promise<Value[]>
  /** Values as they come. Ends with the first ItemError. */
  asCompleted(options: WaitOptions & { readonly returnExceptions: true }): AsyncGenerator<Completed<Value | ItemError>>
  asCompleted(options?: WaitOptions): AsyncGenerator<Completed<Value>>
  /** Values in input order, each as soon as those before it are there. */
  sequential(options: WaitOptions & { readonly returnExceptions: true }): AsyncGenerator<Value | ItemError>
  sequential(options?: WaitOptions): AsyncGenerator<Value>
  pause(): Promise<Batch>
  resume(): Promise<Batch>
  /** Calls in flight are aborted; what is done stays. */
  cancel(): Promise<Batch>
  /** Changes it while it runs. */
  update(patch: PatchBatch): Promise<Batch>
  /** Failed items go back to work, all or the chosen ones. */
  retry(options?: RetryOptions): Promise<Retried>
  /** Of an ended batch, with all it holds. */
  delete(): Promise<void>
}

/** `total`: how many items it has, where that is known already. */
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
      // Its stream also ends when it is deleted.
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
    // A repeat would tell how many went back the second time.
    retry: (options = {}) =>
      http.json(retried, { method: 'POST', path: `${path}/retry`, body: JSON.stringify(options), repeat: 'never' }),
    async delete() {
      await http.json(deletedBatch, { method: 'DELETE', path, repeat: 'never' })
    },
  }
  return handle

  /** Each item once, until all are there. */
  async function* completed(
    order: 'input' | 'completion',
    { signal, onAbort = 'detach', onProgress, returnExceptions = false }: WaitOptions,
  ): AsyncGenerator<Completed<Value | ItemError>> {
    const cancelling = cancelOn(onAbort === 'cancel' ? signal : undefined)
    const beside = watchBeside((ending) => handle.progress({ signal: ending }), { signal, onProgress })
    const seen = new Set<number>()
    try {
      const expected = total ?? (await handle.status()).counts.total
      for await (const one of handle.results({ order, signal: beside.signal })) {
        // One that failed and was retried comes again.
        if (seen.has(one.index)) continue
        seen.add(one.index)
        if (one.status === 'succeeded') yield { index: one.index, id: one.id, value: one.data }
        else if (returnExceptions) yield { index: one.index, id: one.id, value: new ItemError(id, one) }
        else throw new ItemError(id, one)
        // The stream's own end comes a little later than its last result.
        if (seen.size === expected) break
      }
      await beside.told()
      if (seen.size < expected)
        throw new SluiceError(`Batch '${id}' ended with ${seen.size} of ${expected} results: was it deleted?`)
    } finally {
      await beside.stop()
      await cancelling.settled()
    }
  }

  /** Cancels the batch at once when the signal aborts, also while nobody reads. `settled` rejects when it could not be cancelled. */
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
        // It may have ended by itself in between.
        await cancelled?.catch((error: unknown) => {
          if (!(error instanceof ConflictError)) throw error
        })
      },
    }
  }
}
