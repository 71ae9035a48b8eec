import { type Batch, batch } from '@sluice/contract/batch'
import { result, type Result, type ResultStatus } from '@sluice/contract/result'
import { followEvents } from './follow.ts'
import { type Http, parseAnswer } from './http.ts'
import type { Check } from './schema.ts'

/**
 * A result line of the API with its value typed and checked. A value that fails the check here becomes a failure of type `invalid_output`.
 * The value of a raw request is its response.
 */
export type ItemResult<Value> = Omit<Result, 'status' | 'data' | 'error'> &
  (
    | { readonly status: 'succeeded'; readonly data: Value }
    | { readonly status: 'failed' | 'cancelled'; readonly error: NonNullable<Result['error']> }
  )

export interface ResultsOptions {
  /** Default: `input`. */
  readonly order?: 'input' | 'completion'
  /** The cursor of the last result that you have. */
  readonly after?: string
  /** Wait for further results until the batch has ended. Default: true. */
  readonly follow?: boolean
  readonly status?: ResultStatus
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined
}

export async function* readResults<Value>(
  http: Http,
  batchId: string,
  check: Check,
  { order = 'input', after, follow = true, status, signal }: ResultsOptions,
): AsyncGenerator<ItemResult<Value>> {
  const path = (cursor: string | undefined): string => {
    const query = new URLSearchParams({ order, follow: String(follow) })
    if (cursor !== undefined) query.set('after', cursor)
    if (status !== undefined) query.set('status', status)
    return `/v1/batches/${encodeURIComponent(batchId)}/results?${query.toString()}`
  }
  for await (const { data } of followEvents(http, { path, after, signal }))
    yield await toItemResult(parseAnswer(result, data, path(after)), check)
}

/** Snapshots of the batch, the first at once, until it has ended. */
export async function* readProgress(
  http: Http,
  batchId: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch> {
  const path = (): string => `/v1/batches/${encodeURIComponent(batchId)}/events`
  for await (const { event, data } of followEvents(http, { path, signal }))
    if (event === 'progress') yield parseAnswer(batch, data, path())
}

async function toItemResult<Value>(line: Result, check: Check): Promise<ItemResult<Value>> {
  const { status, error, data = line.response, ...rest } = line
  if (status !== 'succeeded')
    return { ...rest, status, error: error ?? { type: 'unavailable', message: 'The server gave no reason.' } }
  const checked = await check(data)
  if (checked.ok) return { ...rest, status, data: checked.value as Value }
  return {
    ...rest,
    status: 'failed',
    error: {
      type: 'invalid_output',
      message: `The value does not match the schema of the client: ${checked.errors.join('; ')}`,
    },
    raw: JSON.stringify(data),
  }
}
