import type { Batch, BatchList, Skipped, BatchOptions, ListBatchesQuery, PatchBatch } from '@sluice/contract/batch'
import type {
  BatchItemDetail,
  BatchItemList,
  FailureGroupList,
  ListItemsQuery,
  Timeline,
} from '@sluice/contract/batch-item'
import type { CreateExtractor, Extractor, ModelParameters, VersionList } from '@sluice/contract/extractor'
import type { LaneView } from '@sluice/contract/lane-view'
import type { Item } from '@sluice/contract/item'
import type { RequestTask, TaskDefinition } from '@sluice/contract/request-task'
import type { Result, ResultsQuery } from '@sluice/contract/result'
import type { Summary, SummaryList } from '@sluice/contract/summary'
import type { Usage } from '@sluice/contract/usage'
import type {
  ListDeliveriesQuery,
  WebhookDelivery,
  WebhookDeliveryList,
  WebhookEndpoint,
  WebhookTarget,
} from '@sluice/contract/webhook'
import type { Queue } from 'bullmq'
import type { RetrySelection } from './ledger/failure-groups.ts'
import type { FileBatches } from './file-batches/file-batches.ts'
import type { Models } from './file-batches/models.ts'
import type { FileBytes } from './files/file-bytes.ts'
import type { FileUploads } from './files/file-uploads.ts'
import type { Files } from './files/files.ts'
import type { DurabilityLevel } from './redis/durability.ts'

/**
 * The engine as the API uses it. Every method throws a SluiceError for a mistake of the caller (unknown id, wrong state), and any other
 * error for broken infrastructure.
 */
export interface Engine extends AsyncDisposable {
  readonly extractors: Extractors
  readonly batches: Batches
  readonly results: Results
  readonly extractions: Extractions
  readonly summaries: Summaries
  readonly files: Files
  readonly fileBytes: FileBytes
  readonly fileUploads: FileUploads
  readonly fileBatches: FileBatches
  /** The models that raw requests may name. */
  readonly models: Models
  readonly webhooks: Webhooks
  /** All BullMQ queues, for Bull Board. Names: `batches`, `summaries`, `files`, `webhooks`, `lane-<name>`. */
  readonly queues: readonly Queue[]
  /** The names of all lanes. */
  readonly lanes: readonly string[]
  /** The most tokens of a call on a lane; undefined if it is not configured. */
  contextTokens(lane: string): number | undefined
  /** The cost of this usage on a lane, in dollars; null if the lane has no prices. */
  cost(lane: string, usage: Usage): number | null
  readonly uploads: Uploads
  readonly live: LiveFeed
  readonly insight: Insight
  /** What is guaranteed to be on disk when a batch is accepted. */
  readonly durability: DurabilityLevel
  /** The memory that Redis uses, and its limit (0: no limit). */
  memory(): Promise<{ usedBytes: number; limitBytes: number }>
  /** Current state and totals of every lane. */
  lanesNow(): Promise<LaneView[]>
  /** Resolves if Redis answers within a second; otherwise rejects with the reason. */
  ping(): Promise<void>
}

export interface Extractors {
  /** Stores a new version, unless the newest version of this name has the same content. */
  put(input: CreateExtractor): Promise<{ extractor: Extractor; created: boolean }>
  /** By `name` (newest version) or `name@version`. Throws `extractor_not_found`. */
  get(reference: string): Promise<Extractor>
  /** The versions of one, the newest first. Throws `extractor_not_found`. */
  versions(name: string, page: { before?: number | undefined; limit: number }): Promise<VersionList>
  /** The newest version of each, by name. */
  list(page: { after?: string | undefined; limit: number }): Promise<{ data: Extractor[]; has_more: boolean }>
}

/** `extractor`: a stored one, or an inline one with `name: null, version: 0`. Its lane, or that of the requests, must exist. */
export type NewBatch = NewBatchOptions &
  ({ readonly extractor: Extractor } | { readonly requests: RequestTask; readonly extractor?: undefined })

interface NewBatchOptions {
  readonly options: BatchOptions
  /** Called when all items have arrived: the lines that were left out. */
  readonly skipped?: (() => Skipped | undefined) | undefined
  readonly idempotency?:
    | {
        readonly key: string
        /** Digest of the request's body: another body under the same key is a conflict. */
        readonly fingerprint: string
      }
    | undefined
}

export interface RetryPreview {
  readonly count: number
  /** Null: the batch is a level of a summary. */
  readonly task: TaskDefinition | null
  /** Of the items that would be retried, so many were looked at. */
  readonly sampled: number
  /** Of those that need a call: what makes an item fail without a call, makes it fail again. */
  readonly texts: readonly string[]
  /** Tokens of an answer, by the calls so far; null while there are none. */
  readonly answerTokens: number | null
}

export interface Batches {
  /**
   * Stages all items and starts the batch; resolves when it is on disk. Nothing remains if `items` throws.
   * `created` is false if the idempotency key was used before: then the batch is the earlier one.
   */
  create(input: NewBatch, items: AsyncIterable<Item> | Iterable<Item>): Promise<{ batch: Batch; created: boolean }>
  get(id: string): Promise<Batch>
  /** Newest first. */
  list(query: ListBatchesQuery): Promise<BatchList>
  patch(id: string, patch: PatchBatch): Promise<Batch>
  pause(id: string): Promise<Batch>
  /** Resumes all batches that were paused because no call on the lane could succeed; resolves to their number. */
  resumeLane(lane: string): Promise<number>
  resume(id: string): Promise<Batch>
  cancel(id: string): Promise<Batch>
  /** Retries failed items; resolves to their number. */
  retry(id: string, selection: RetrySelection): Promise<number>
  /** What `retry` would do. Nothing is changed. */
  previewRetry(id: string, selection: RetrySelection): Promise<RetryPreview>
  /** Rejects with `batch_running` if the batch has not ended. */
  delete(id: string): Promise<void>
  /** A snapshot at once, then at most every `intervalMs` when something changed; the last one has an ended status. */
  watch(id: string, options: { intervalMs: number; signal: AbortSignal }): AsyncIterable<Batch>
}

/** What people look at while a batch runs, and after it. Each request does bounded work, however large the batch. Throws `batch_not_found`. */
export interface Insight {
  /** Its failures by type, field and message. */
  failures(batchId: string): Promise<FailureGroupList>
  timeline(batchId: string): Promise<Timeline>
  /** The one it was made with, inline ones included. Throws `extractor_not_found` for a batch of raw requests. */
  extractor(batchId: string): Promise<Extractor>
  /** Its items in their order, with filters. */
  items(batchId: string, query: ListItemsQuery): Promise<BatchItemList>
  /** Throws `item_not_found`. */
  item(batchId: string, index: number): Promise<BatchItemDetail>
}

/** `json`: a batch, a lane, a summary without the summaries of its parts, or the `object` and `id` of what was deleted. */
export interface LiveEvent {
  readonly name: 'batch' | 'lane' | 'summary' | 'gone'
  readonly json: string
}

/** What changes in all batches, lanes and summaries. Costs nothing while nobody listens. */
export interface LiveFeed {
  /**
   * The lanes, then what changes from here on, at most once a second for each batch, until `signal` aborts. With an id: that batch at
   * once, its changes, and the lanes. A slow reader gets the newest state of each, not every change. Rejects with `batch_not_found`.
   */
  open(batchId: string | null, options: { signal: AbortSignal }): Promise<AsyncIterable<LiveEvent>>
}

/** The parts of a summary that the model sees. */
export interface SummaryRecipe {
  readonly lane: string
  readonly instructions: string
  readonly parameters: ModelParameters
}

export interface NewSummary {
  /** Its lane must exist. */
  readonly recipe: SummaryRecipe
  /** The most tokens of summaries that one call combines. */
  readonly reduceTokens: number
  readonly concurrency: number | undefined
  readonly priority: number
  readonly metadata: Record<string, unknown>
  readonly webhook?: WebhookTarget | undefined
  readonly idempotency: NewBatch['idempotency']
}

/** A part of a text, and its position. */
export interface Chunk {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** Summaries of long texts, level by level; each level is a batch. */
export interface Summaries {
  /** Stores the chunks and starts; resolves when they are on disk. `created` is false if the idempotency key was used before. */
  create(input: NewSummary, chunks: readonly Chunk[]): Promise<{ summary: Summary; created: boolean }>
  get(id: string): Promise<Summary>
  /** Without the summaries of its parts; null if there is no such summary. */
  glance(id: string): Promise<Summary | null>
  /** Newest first, as `glance` shows them. */
  list(page: { after?: string | undefined; limit: number }): Promise<SummaryList>
  /** Resolves when the summary is no longer in progress, or to its current state when `signal` aborts. */
  settled(id: string, options: { signal: AbortSignal }): Promise<Summary>
  /** Retries the failed calls of a failed summary. */
  retry(id: string): Promise<Summary>
  cancel(id: string): Promise<Summary>
  /** Deletes it with the batches of its levels. Rejects with `summary_running` while it is in progress. */
  delete(id: string): Promise<void>
}

/** Events for others: the ends of batches and summaries. */
export interface Webhooks {
  /** Newest first. */
  deliveries(query: ListDeliveriesQuery): Promise<WebhookDeliveryList>
  /** Throws `delivery_not_found`. */
  delivery(id: string): Promise<WebhookDelivery>
  /** Sends it now, also one that was delivered. Throws `endpoint_disabled`. */
  retry(id: string): Promise<WebhookDelivery>
  endpoints(page: {
    readonly after?: string | undefined
    readonly limit: number
  }): Promise<{ readonly object: 'list'; readonly data: readonly WebhookEndpoint[]; readonly has_more: boolean }>
  /** Sends what is held, too. Throws `endpoint_not_found`. */
  enable(id: string): Promise<WebhookEndpoint>
}

/** Batches that several requests fill, for uploads that may break off. No item runs before the batch is sealed. */
export interface Uploads {
  /** `created` is false if the idempotency key was used before: then it is the earlier batch with the items that it has. */
  open(input: NewBatch): Promise<{ batch: Batch; created: boolean }>
  /** Adds items after the first `from` items. Rejects with `upload_position` (409) if the batch has another number of items. Added items are kept if `items` throws. */
  append(id: string, from: number, items: AsyncIterable<Item> | Iterable<Item>): Promise<Batch>
  /** The items so far from index `from` on, in order, some at a time. */
  staged(id: string, from: number): AsyncIterable<readonly Item[]>
  /** Adds to the report of lines that were left out. */
  addSkipped(id: string, skipped: Skipped): Promise<void>
  /** Starts the batch. Safe if it has started. */
  seal(id: string): Promise<Batch>
}

/** Single texts, each with a request that waits for its result. */
export interface Extractions {
  /**
   * Stores the text as a batch of one item and waits for its result. `pending`: `signal` aborted, or the batch was paused or cancelled;
   * it is on disk. The batch goes on in any case. It is removed `keptMs` after its end.
   */
  run(
    input: {
      readonly extractor: Extractor
      readonly text: string
      readonly name?: string | undefined
      readonly keptMs: number
    },
    options: { signal: AbortSignal },
  ): Promise<
    | { readonly type: 'result'; readonly batchId: string; readonly result: Result }
    | { readonly type: 'pending'; readonly batch: Batch }
  >
}

export interface Results {
  /** What a table of the results has as columns: the schema (null: the items have none), and the names in the metadata of the first item. `isRequest`: results have a response. */
  shape(
    batchId: string,
  ): Promise<{ readonly schema: unknown; readonly isRequest: boolean; readonly metadata: readonly string[] }>
  /**
   * Pages of results, each result once and in order, read only as fast as they are consumed. A page is emptied when the next one is asked
   * for. With `follow`, continues until the batch has
   * ended; without, ends after the results that exist now (in input order: all of them, by index). Rejects with `invalid_cursor` or `batch_not_found` before the first page.
   */
  read(
    batchId: string,
    query: ResultsQuery,
    options: { signal: AbortSignal },
  ): Promise<AsyncIterable<readonly Result[]>>
}
