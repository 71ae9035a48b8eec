import type { ItemInput } from '@sluice/contract/item'

/** Something to read items from, as often as needed. It is streamed, never held. */
export type Input = ItemsInput | DocumentsInput

interface Named {
  /** As it is shown: `people.jsonl`, `standard input`. */
  readonly name: string
  readonly sizeBytes: number
}

/** Items that are read here. */
interface ItemsInput extends Named {
  readonly type: 'items'
  /** In order, checked; `seen` is given every byte that decides about them. Throws an InputError. */
  readonly items: (seen: (bytes: Uint8Array) => void) => AsyncIterable<ItemInput>
}

/** Files that the server reads, an item each. */
export interface DocumentsInput extends Named {
  readonly type: 'documents'
  readonly files: readonly DocumentFile[]
}

export interface DocumentFile {
  readonly path: string
  /** Its name for the server, and the item's id. */
  readonly id: string
  readonly sizeBytes: number
}

/** Which part of a line or row is the text, which the item's id, and what of the rest comes back with the result. */
export interface Fields {
  /** Default: `text`; of a CSV with one column, that one. */
  readonly column: string | undefined
  readonly idColumn: string | undefined
  readonly keep: readonly string[]
}

/** Told of what is left out because it is not valid; absent, the first such thing ends the reading. */
export type Skip = (place: string, message: string) => void

/** Something in the input that its owner can mend; the message says where it is. */
export class InputError extends Error {
  override readonly name = 'InputError'
}
