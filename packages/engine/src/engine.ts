import type { Batch, BatchList, Skipped, BatchOptions, ListBatchesQuery, PatchBatch } from '@sluice/contract/batch'
import type { CreateExtractor, Extractor, ModelParameters } from '@sluice/contract/extractor'
import type { LaneView } from '@sluice/contract/lane-view'
import type { Item } from '@sluice/contract/item'
import type { Result, ResultsQuery, RetryBatch } from '@sluice/contract/result'
import type { Summary } from '@sluice/contract/summary'
import type { Usage } from '@sluice/contract/usage'
import type { Queue } from 'bullmq'
import type { DurabilityLevel } from './redis/durability.ts'

/**
 * What the API sees of the engine. Every method throws a SluiceError for what the caller did wrong
 * (unknown id, state that does not allow it) and any other error for broken infrastructure.
 */
export interface Engine extends AsyncDisposable {
  readonly extractors: Extractors
  readonly batches: Batches
  readonly results: Results
  readonly summaries: Summaries
  /** Every BullMQ queue there is, for Bull Board. Names: `batches`, `summaries`, `lane-<name>`. */
  readonly queues: readonly Queue[]
  /** The lanes there are, by name. */
  readonly lanes: readonly string[]
  /** The most tokens of a call on a lane; undefined where that is not told. */
  contextTokens(lane: string): number | undefined
  /** What such usage costs on a lane, in dollars; null when the lane has no prices. */
  cost(lane: string, usage: Usage): number | null
  readonly uploads: Uploads
  /** What is on disk when a batch is accepted. */
  readonly durability: DurabilityLevel
  /** What Redis uses of its memory, and may use (0: no limit). */
  memory(): Promise<{ usedBytes: number; limitBytes: number }>
  /** What every lane does now, and has done. */
  lanesNow(): Promise<LaneView[]>
  /** Resolves when Redis answers within a second, else rejects with the reason. */
  ping(): Promise<void>
}

export interface Extractors {
  /** Stores a new version, unless the newest version of this name has the same content. */
  put(input: CreateExtractor): Promise<{ extractor: Extractor; created: boolean }>
  /** By `name` (newest version) or `name@version`. Throws `extractor_not_found`. */
  get(reference: string): Promise<Extractor>
  /** The newest version of each, by name. */
  list(page: { after?: string | undefined; limit: number }): Promise<{ data: Extractor[]; has_more: boolean }>
}

export interface NewBatch {
  /** A stored one, or an inline one with `name: null, version: 0`. Its lane must exist. */
  readonly extractor: Extractor
  readonly options: BatchOptions
  /** Read when all items have come: the lines that were left out. */
  readonly skipped?: (() => Skipped | undefined) | undefined
  readonly idempotency?:
    | {
        readonly key: string
        /** Of the request's body: another body under the same key is a conflict. */ readonly fingerprint: string
      }
    | undefined
}

export interface Batches {
  /**
   * Stages all items and starts the batch; resolves when it is on disk. Nothing remains when `items` throws.
   * `created` is false when the idempotency key was seen before: then the batch is the earlier one.
   */
  create(input: NewBatch, items: AsyncIterable<Item> | Iterable<Item>): Promise<{ batch: Batch; created: boolean }>
  get(id: string): Promise<Batch>
  /** Newest first. */
  list(query: ListBatchesQuery): Promise<BatchList>
  patch(id: string, patch: PatchBatch): Promise<Batch>
  pause(id: string): Promise<Batch>
  /** Goes on with all batches that were paused because nothing on the lane could succeed; resolves to how many. */
  resumeLane(lane: string): Promise<number>
  resume(id: string): Promise<Batch>
  cancel(id: string): Promise<Batch>
  /** Failed items go back to work; resolves to how many. */
  retry(id: string, selection: RetryBatch): Promise<number>
  /** Refused with `batch_running` while it is not ended. */
  delete(id: string): Promise<void>
  /** A snapshot at once, then at most every `intervalMs` when something changed; the last one has an ended status. */
  watch(id: string, options: { intervalMs: number; signal: AbortSignal }): AsyncIterable<Batch>
}

/** What of a summary is said to the model. */
export interface SummaryRecipe {
  readonly lane: string
  readonly instructions: string
  readonly parameters: ModelParameters
}

export interface NewSummary {
  /** Its lane must exist. */
  readonly recipe: SummaryRecipe
  /** The most tokens of summaries that one call puts together. */
  readonly reduceTokens: number
  readonly concurrency: number | undefined
  readonly priority: number
  readonly metadata: Record<string, unknown>
  readonly idempotency: NewBatch['idempotency']
}

/** A part of a text, and where it stands in it. */
export interface Chunk {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Summaries of long texts, level by level; each level is a batch. */
export interface Summaries {
  /** Stores the chunks and begins; resolves when it is on disk. `created` is false when the idempotency key was seen before. */
  create(input: NewSummary, chunks: readonly Chunk[]): Promise<{ summary: Summary; created: boolean }>
  get(id: string): Promise<Summary>
  /** Resolves when it is no longer in progress, or, with what there is, when `signal` aborts. */
  settled(id: string, options: { signal: AbortSignal }): Promise<Summary>
  /** Of a failed one: the calls that failed go back to work. */
  retry(id: string): Promise<Summary>
  cancel(id: string): Promise<Summary>
  /** With the batches of its levels. Refused with `summary_running` while it is in progress. */
  delete(id: string): Promise<void>
}

/** Batches that several requests fill, for uploads that may break off: nothing of one runs before it is sealed. */
export interface Uploads {
  /** `created` is false when the idempotency key was seen before: then it is the earlier batch, as far as it has got. */
  open(input: NewBatch): Promise<{ batch: Batch; created: boolean }>
  /** Adds items behind the `from` there are; `upload_position` (409) tells how many there are when that is not the number. What was added stays when `items` throws. */
  append(id: string, from: number, items: AsyncIterable<Item> | Iterable<Item>): Promise<Batch>
  /** The items so far, in order. */
  staged(id: string): AsyncIterable<Item>
  /** Adds to the report of lines that were left out. */
  addSkipped(id: string, skipped: Skipped): Promise<void>
  /** The batch begins. Harmless when it has begun. */
  seal(id: string): Promise<Batch>
}

export interface Results {
  /**
   * Pages of results, each result once and in order, read only as fast as they are taken.
   * With `follow`, goes on until the batch has ended; without, ends at what is there now
   * (in input order: all results there are, by index). Rejects with `invalid_cursor` or `batch_not_found` before the first page.
   */
  read(
    batchId: string,
    query: ResultsQuery,
    options: { signal: AbortSignal },
  ): Promise<AsyncIterable<readonly Result[]>>
}
