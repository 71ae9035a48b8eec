/** The public interface of this package. A published package has one entry, so this is the only file that re-exports. */
export type { Batch, BatchList, BatchStatus, PatchBatch } from '@sluice/contract/batch'
export type { BatchItemDetail, BatchItemList, FailureGroupList, Timeline } from '@sluice/contract/batch-item'
export type { Estimate } from '@sluice/contract/estimate'
export type { LaneList } from '@sluice/contract/lane-view'
export type { FailureType } from '@sluice/contract/result'
export type { Summary } from '@sluice/contract/summary'
export type { BatchHandle, Completed, ItemsQuery, Retried, RetryOptions } from './batch.ts'
export { createClient, type Sluice } from './client.ts'
export {
  ApiError,
  AuthenticationError,
  BatchPausedError,
  ConflictError,
  ConnectionError,
  InvalidRequestError,
  ItemError,
  NotFoundError,
  OverloadedError,
  ServerError,
  SluiceError,
  SummaryError,
} from './errors.ts'
export type { ClientOptions } from './http.ts'
export type { JsonSchemaValue } from './json-schema-value.ts'
export type {
  BatchOptions,
  ExtractorOptions,
  NewBatchOptions,
  Text,
  Texts,
  WaitOptions,
  WorkOptions,
} from './options.ts'
export type { RawRequest, RawResponse, RequestOptions } from './requests.ts'
export type { ItemResult, ResultsOptions } from './results.ts'
export type { JsonSchema, Schema, ValueOf } from './schema.ts'
export type { SummarizeOptions } from './summarize.ts'
