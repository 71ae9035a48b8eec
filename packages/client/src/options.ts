import type { Batch, batchOptions } from '@sluice/contract/batch'
import type { inlineExtractor } from '@sluice/contract/extractor'
import type { ItemInput } from '@sluice/contract/item'
import type { z } from 'zod'
import type { Schema } from './schema.ts'

/** A text, or a text with an id (unique within its batch) and metadata, which come back with its result. */
export type Text = ItemInput
export type Texts = Iterable<Text> | AsyncIterable<Text>

/** The options of a batch, by the API's names. */
export type BatchOptions = z.input<typeof batchOptions>

/** An inline extractor, or the name of a stored one (`person` or `person@3`). With a name, a schema only types and checks the values. */
export type ExtractorOptions<S extends Schema> =
  | ({ readonly schema: S; readonly extractor?: undefined } & Readonly<Omit<z.input<typeof inlineExtractor>, 'schema'>>)
  | { readonly extractor: string; readonly schema?: S }

export interface SubmitOptions {
  /** The same key with the same input gives the same batch, for 7 days. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
  /** What the signal does: cancel the batch (the default if this call created it), or only end the waiting. */
  readonly onAbort?: 'cancel' | 'detach'
}

export interface ProgressOptions {
  /** Receives every snapshot of the batch. An error that it throws ends the call. */
  readonly onProgress?: (batch: Batch) => void
}

interface FailureOptions {
  /** Returns an ItemError in place of a failed item's value, instead of rejecting. */
  readonly returnExceptions?: boolean
}

/** Options of a call that waits for an existing batch. */
export interface WaitOptions extends ProgressOptions, FailureOptions, Pick<SubmitOptions, 'signal' | 'onAbort'> {}

export type NewBatchOptions<S extends Schema> = ExtractorOptions<S> & BatchOptions & SubmitOptions
export type WorkOptions<S extends Schema> = NewBatchOptions<S> & ProgressOptions & FailureOptions
