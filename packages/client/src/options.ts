import type { Batch, batchOptions } from '@sluice/contract/batch'
import type { inlineExtractor } from '@sluice/contract/extractor'
import type { ItemInput } from '@sluice/contract/item'
import type { z } from 'zod'
import type { Schema } from './schema.ts'

/** A text, or a text with an id (unique within its batch) and metadata, which come back with its result. */
export type Text = ItemInput
export type Texts = Iterable<Text> | AsyncIterable<Text>

/** What the server knows of a batch beside its items, by the API's own names. */
export type BatchOptions = z.input<typeof batchOptions>

/** An extractor brought along, or the name of one that the server has (`person` or `person@3`); then a schema only types and checks. */
export type ExtractorOptions<S extends Schema> =
  | ({ readonly schema: S; readonly extractor?: undefined } & Readonly<Omit<z.input<typeof inlineExtractor>, 'schema'>>)
  | { readonly extractor: string; readonly schema?: S }

export interface SubmitOptions {
  /** The same key with the same input is the same batch, for 7 days. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
  /** What the signal does: cancel the batch (the default where a call made it), or only end the waiting. */
  readonly onAbort?: 'cancel' | 'detach'
}

export interface ProgressOptions {
  /** Told of every snapshot of the batch; what it throws ends the call. */
  readonly onProgress?: (batch: Batch) => void
}

interface FailureOptions {
  /** A failed item is an ItemError in its place, instead of the end. */
  readonly returnExceptions?: boolean
}

/** Of a call that waits for a batch that is there. */
export interface WaitOptions extends ProgressOptions, FailureOptions, Pick<SubmitOptions, 'signal' | 'onAbort'> {}

export type NewBatchOptions<S extends Schema> = ExtractorOptions<S> & BatchOptions & SubmitOptions
export type WorkOptions<S extends Schema> = NewBatchOptions<S> & ProgressOptions & FailureOptions
