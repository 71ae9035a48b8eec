import { batchList, type BatchList, type BatchStatus } from '@sluice/contract/batch'
import type { Estimate } from '@sluice/contract/estimate'
import { laneList, type LaneList } from '@sluice/contract/lane-view'
import type { Summary } from '@sluice/contract/summary'
import { type BatchHandle, type Completed, createBatchHandle } from './batch.ts'
import { InvalidRequestError, type ItemError } from './errors.ts'
import { estimateTexts } from './estimate.ts'
import { type ClientOptions, createHttp } from './http.ts'
import type { ExtractorOptions, NewBatchOptions, Text, Texts, WaitOptions, WorkOptions } from './options.ts'
import { estimateRequests, type RawRequest, type RawResponse, type RequestOptions, submitRequests } from './requests.ts'
import { anyValue, readSchema, type Schema, type ValueOf } from './schema.ts'
import { readExtraction, submitTexts } from './submit.ts'
import { summarize, type SummarizeOptions } from './summarize.ts'

type Settled = { readonly returnExceptions: true }
type OneByOne<S extends Schema> = Omit<WorkOptions<S>, 'concurrency'> & ExtractorOptions<S>

/**
 * The client of a Sluice server. Every batch is durable: it continues when the process that created it dies, and any process can access it
 * by `batch(id)`. Every method throws an ApiError (the request was rejected), a ConnectionError, or the reason of its signal.
 */
export interface Sluice {
  /** All values in input order. Rejects with the first ItemError, unless `returnExceptions` is set. The batch continues in both cases. */
  gather<const S extends Schema>(texts: Texts, options: WorkOptions<S> & Settled): Promise<(ValueOf<S> | ItemError)[]>
  gather<const S extends Schema>(texts: Texts, options: WorkOptions<S>): Promise<ValueOf<S>[]>
  /** Values in order of completion, with their position in the input. */
  asCompleted<const S extends Schema>(
    texts: Texts,
    options: WorkOptions<S> & Settled,
  ): AsyncGenerator<Completed<ValueOf<S> | ItemError>>
  asCompleted<const S extends Schema>(texts: Texts, options: WorkOptions<S>): AsyncGenerator<Completed<ValueOf<S>>>
  /** One call at a time, values in input order. */
  sequential<const S extends Schema>(
    texts: Texts,
    options: OneByOne<S> & Settled,
  ): AsyncGenerator<ValueOf<S> | ItemError>
  sequential<const S extends Schema>(texts: Texts, options: OneByOne<S>): AsyncGenerator<ValueOf<S>>
  /** One text. */
  extract<const S extends Schema>(text: Text, options: WorkOptions<S>): Promise<ValueOf<S>>
  /** Resolves when the batch is on disk. */
  submit<const S extends Schema>(texts: Texts, options: NewBatchOptions<S>): Promise<BatchHandle<ValueOf<S>>>
  /** A batch by its id, without asking the server. A schema types and checks its values. */
  batch(id: string): BatchHandle<unknown>
  batch<const S extends Schema>(id: string, options: { readonly schema: S }): BatchHandle<ValueOf<S>>
  /** Newest first. */
  batches(page?: {
    readonly status?: BatchStatus
    readonly lane?: string
    /** `name` (all its versions), `name@version`, or `inline`. */
    readonly extractor?: string
    /** Part of the id, of the name, or of a value of the metadata. */
    readonly search?: string
    /** `next` of the page before. */
    readonly after?: string
    readonly limit?: number
  }): Promise<BatchList>
  /** Estimates tokens and cost of a batch; nothing runs. */
  estimate<S extends Schema>(texts: Texts, options: ExtractorOptions<S>): Promise<Estimate>
  /**
   * Request bodies of OpenAI's API, sent to the provider as they are; a value of the batch is a response. All are sent in one request: for
   * more than that takes, use files (`/openai/v1`). Resolves when the batch is on disk.
   */
  submitRequests(requests: Iterable<RawRequest>, options: RequestOptions): Promise<BatchHandle<RawResponse>>
  estimateRequests(
    requests: Iterable<RawRequest>,
    options: Pick<RequestOptions, 'endpoint' | 'lane'>,
  ): Promise<Estimate>
  lanes(): Promise<LaneList>
  /**
   * The summary of a text or of a file (text, Markdown, HTML, PDF), with the summaries of its chunks. Throws a SummaryError if it fails, is
   * cancelled, or is paused for a reason that waiting does not fix.
   */
  summarize(document: string | File, options?: SummarizeOptions): Promise<Summary>
  /** Any other request to the API, with the key, without retries. Throws if the request is rejected. */
  request(path: string, init?: RequestInit): Promise<Response>
}

/** Throws a TypeError if `baseUrl` is not a URL. */
export function createClient(options: ClientOptions): Sluice {
  const http = createHttp(options)

  /** The batch of a call that waits for it; null without texts. */
  async function begin(texts: Texts, work: WorkOptions<Schema>): Promise<BatchHandle<unknown> | null> {
    const extraction = readExtraction(work)
    const made = await submitTexts(http, texts, extraction, work)
    if (made === null) return null
    work.onProgress?.(made)
    return createBatchHandle(http, made.id, extraction.check, made.counts.total)
  }

  const waiting = ({ signal, onAbort = 'cancel', onProgress, returnExceptions }: WorkOptions<Schema>): WaitOptions => ({
    onAbort,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(returnExceptions === undefined ? {} : { returnExceptions }),
  })

  const sluice = {
    async gather(texts: Texts, work: WorkOptions<Schema>) {
      const handle = await begin(texts, work)
      return handle === null ? [] : handle.gather(waiting(work))
    },
    async *asCompleted(texts: Texts, work: WorkOptions<Schema>) {
      const handle = await begin(texts, work)
      if (handle !== null) yield* handle.asCompleted(waiting(work))
    },
    async *sequential(texts: Texts, work: WorkOptions<Schema>) {
      const handle = await begin(texts, { ...work, concurrency: 1 })
      if (handle !== null) yield* handle.sequential(waiting(work))
    },
    async extract(text: Text, work: WorkOptions<Schema>) {
      const [value] = await sluice.gather([text], work)
      return value
    },
    async submit(texts: Texts, batchOptions: NewBatchOptions<Schema>) {
      const extraction = readExtraction(batchOptions)
      const made = await submitTexts(http, texts, extraction, batchOptions)
      if (made !== null) return createBatchHandle(http, made.id, extraction.check, made.counts.total)
      throw new InvalidRequestError({
        type: 'invalid_request_error',
        code: 'invalid_request',
        message: 'texts: A batch has at least one text.',
        param: 'texts',
      })
    },
    batch: (id: string, { schema }: { schema?: Schema } = {}) =>
      createBatchHandle(http, id, schema === undefined ? anyValue : readSchema(schema).check),
    batches(page: Readonly<Record<string, string | number | undefined>> = {}) {
      const query = new URLSearchParams()
      for (const [name, value] of Object.entries(page)) if (value !== undefined) query.set(name, String(value))
      return http.json(batchList, { method: 'GET', path: `/v1/batches?${query.toString()}`, repeat: 'safe' })
    },
    estimate: (texts: Texts, extractor: ExtractorOptions<Schema>) =>
      estimateTexts(http, texts, readExtraction(extractor)),
    async submitRequests(requests: Iterable<RawRequest>, how: RequestOptions) {
      const made = await submitRequests(http, requests, how)
      return createBatchHandle(http, made.id, anyValue, made.counts.total)
    },
    estimateRequests: (requests: Iterable<RawRequest>, how: Pick<RequestOptions, 'endpoint' | 'lane'>) =>
      estimateRequests(http, requests, how),
    lanes: () => http.json(laneList, { method: 'GET', path: '/v1/lanes', repeat: 'safe' }),
    summarize: (document: string | File, how: SummarizeOptions = {}) => summarize(http, document, how),
    request: (path: string, init?: RequestInit) => http.fetch(path, init),
  }
  // The schema of each call types its values; in here they are unknown.
  return sluice as Sluice
}
