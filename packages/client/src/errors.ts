import type { Batch } from '@sluice/contract/batch'
import type { ErrorType } from '@sluice/contract/error'
import type { FailureType, Result } from '@sluice/contract/result'
import type { Summary } from '@sluice/contract/summary'

/** The base of all errors of this client, except a signal's reason and a TypeError for a wrong argument. */
export class SluiceError extends Error {
  override readonly name: string = 'SluiceError'
}

export interface Refusal<Type extends ErrorType = ErrorType> {
  readonly type: Type
  /** A stable name of the case, such as `invalid_item`. */
  readonly code: string
  readonly message: string
  /** The wrong field, such as `items[3].text`. */
  readonly param?: string | null
  /** The status of the answer; null if the request was rejected here, before it was sent. */
  readonly status?: number | null
  readonly requestId?: string | null
  readonly retryAfterS?: number | null
}

/** The API rejected the request, and the message says what is wrong and how to fix it. */
export class ApiError<Type extends ErrorType = ErrorType> extends SluiceError {
  override readonly name: string = 'ApiError'
  readonly type: Type
  readonly code: string
  readonly param: string | null
  readonly status: number | null
  /** The id of the request in the server's log. */
  readonly requestId: string | null
  readonly retryAfterS: number | null

  constructor({ type, code, message, param, status, requestId, retryAfterS }: Refusal<Type>) {
    super(message)
    this.type = type
    this.code = code
    this.param = param ?? null
    this.status = status ?? null
    this.requestId = requestId ?? null
    this.retryAfterS = retryAfterS ?? null
  }
}

export class InvalidRequestError extends ApiError<'invalid_request_error'> {
  override readonly name = 'InvalidRequestError'
}
export class AuthenticationError extends ApiError<'authentication_error'> {
  override readonly name = 'AuthenticationError'
}
export class NotFoundError extends ApiError<'not_found_error'> {
  override readonly name = 'NotFoundError'
}
export class ConflictError extends ApiError<'conflict_error'> {
  override readonly name = 'ConflictError'
}
export class OverloadedError extends ApiError<'overloaded_error'> {
  override readonly name = 'OverloadedError'
}
export class ServerError extends ApiError<'server_error'> {
  override readonly name = 'ServerError'
}

export function toApiError(refusal: Refusal): ApiError {
  const { type } = refusal
  switch (type) {
    case 'invalid_request_error':
      return new InvalidRequestError({ ...refusal, type })
    case 'authentication_error':
      return new AuthenticationError({ ...refusal, type })
    case 'not_found_error':
      return new NotFoundError({ ...refusal, type })
    case 'conflict_error':
      return new ConflictError({ ...refusal, type })
    case 'overloaded_error':
      return new OverloadedError({ ...refusal, type })
    case 'server_error':
      return new ServerError({ ...refusal, type })
    default:
      return type satisfies never
  }
}

/** The server could not be reached, or the connection broke and was not restored in time. */
export class ConnectionError extends SluiceError {
  override readonly name = 'ConnectionError'
}

/** The batch is paused, and waiting does not fix it: `batch.pause_reason` gives the reason. `resume` continues it. */
export class BatchPausedError extends SluiceError {
  override readonly name = 'BatchPausedError'
  readonly batch: Batch

  constructor(batch: Batch) {
    super(
      `Batch '${batch.id}' is paused: ${batch.pause_reason ?? 'no reason given'}. All finished items are kept. Fix this, then resume the batch.`,
    )
    this.batch = batch
  }
}

/** The summary failed, was cancelled, or is paused and waiting does not fix it. Finished calls are kept. */
export class SummaryError extends SluiceError {
  override readonly name = 'SummaryError'
  readonly summary: Summary

  constructor(summary: Summary) {
    const why = summary.error === null ? summary.pause_reason : `${summary.error.type}: ${summary.error.message}`
    super(`Summary '${summary.id}' is ${summary.status}${why === null ? '' : `: ${why}`}`)
    this.summary = summary
  }
}

/** One item failed. */
export class ItemError extends SluiceError {
  override readonly name = 'ItemError'
  readonly type: FailureType
  readonly batchId: string
  readonly index: number
  readonly id: string
  /** The model's last answer, unchanged, if it was paid for and unusable. */
  readonly raw: string | undefined
  /** What the provider answered to a raw request, if it answered. */
  readonly response: Result['response']
  /** Calls that were made for the item. */
  readonly attempts: number
  readonly metadata: Readonly<Record<string, unknown>> | undefined

  constructor(
    batchId: string,
    failed: {
      readonly error: { readonly type: FailureType; readonly message: string }
      readonly index: number
      readonly id: string
      readonly raw?: string | undefined
      readonly response?: Result['response']
      readonly attempts: number
      readonly metadata?: Readonly<Record<string, unknown>> | undefined
    },
  ) {
    super(`Item ${failed.id} of ${batchId}: ${failed.error.type}: ${failed.error.message}`)
    this.type = failed.error.type
    this.batchId = batchId
    this.index = failed.index
    this.id = failed.id
    this.raw = failed.raw
    this.response = failed.response
    this.attempts = failed.attempts
    this.metadata = failed.metadata
  }
}

/** Whether the same request may succeed later. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionError) return true
  if (!(error instanceof ApiError)) return false
  return error.code === 'idempotency_in_progress' || error.status === 429 || (error.status ?? 0) >= 500
}
