import { batch, type Batch } from '@sluice/contract/batch'
import { estimate, type Estimate } from '@sluice/contract/estimate'
import type { RequestEndpoint } from '@sluice/contract/request-task'
import type { Result } from '@sluice/contract/result'
import { InvalidRequestError } from './errors.ts'
import type { Http } from './http.ts'
import type { BatchOptions, SubmitOptions } from './options.ts'
import { randomKey, unlessAborted } from './submit.ts'

/** A request body of OpenAI's API: the provider gets it as it is. */
export interface RawRequest {
  /** Unique within the batch; default: its position. */
  readonly id?: string
  readonly body: Readonly<Record<string, unknown>>
  /** Comes back with the result. */
  readonly metadata?: Record<string, unknown>
}

/** What the provider answered; `body` is its JSON, unchanged. */
export type RawResponse = NonNullable<Result['response']>

interface RequestTarget {
  readonly endpoint: RequestEndpoint
  /** Default: the lane `default`. */
  readonly lane?: string
}

export type RequestOptions = RequestTarget & BatchOptions & SubmitOptions

/** Sends raw requests as one batch, in one request. Resolves when it is on disk. */
export async function submitRequests(
  http: Http,
  requests: Iterable<RawRequest>,
  { idempotencyKey, signal, onAbort = 'cancel', ...options }: RequestOptions,
): Promise<Batch> {
  signal?.throwIfAborted()
  const sent = http.json(batch, {
    method: 'POST',
    path: '/v1/batches',
    headers: { 'idempotency-key': idempotencyKey ?? randomKey() },
    body: bodyOf(requests, options),
    repeat: 'safe',
  })
  return unlessAborted(http, sent, signal, onAbort)
}

/** Estimates a batch of these requests. Nothing runs and nothing is stored. */
export function estimateRequests(http: Http, requests: Iterable<RawRequest>, target: RequestTarget): Promise<Estimate> {
  const body = bodyOf(requests, target)
  return http.json(estimate, { method: 'POST', path: '/v1/batches/estimate', body, repeat: 'safe' })
}

function bodyOf(requests: Iterable<RawRequest>, options: RequestTarget & BatchOptions): string {
  const items = [...requests]
  if (items.length > 0) return JSON.stringify({ task: 'request', ...options, items })
  throw new InvalidRequestError({
    type: 'invalid_request_error',
    code: 'invalid_request',
    message: 'requests: A batch has at least one request.',
    param: 'requests',
  })
}
