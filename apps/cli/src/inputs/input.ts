import type { ItemInput } from '@sluice/contract/item'

/** A source of items that can be read several times. It is streamed, never held in memory. */
export type Input = ItemsInput | DocumentsInput

interface Named {
  /** For messages: `people.jsonl`, `standard input`. */
  readonly name: string
  readonly sizeBytes: number
}

/** Items that this command reads. */
interface ItemsInput extends Named {
  readonly type: 'items'
  /** In order, validated; `seen` is called with every byte that defines them. Throws an InputError. */
  readonly items: (seen: (bytes: Uint8Array) => void) => AsyncIterable<ItemInput>
}

/** Files that the server reads, one item each. */
export interface DocumentsInput extends Named {
  readonly type: 'documents'
  readonly files: readonly DocumentFile[]
}

export interface DocumentFile {
  readonly path: string
  /** The file name that the server gets, and the item's id. */
  readonly id: string
  readonly sizeBytes: number
}

/** Which field of a line or row is the text, which one is the id, and which ones are returned with the result. */
export interface Fields {
  /** Default: `text`; in a CSV with one column, that column. */
  readonly column: string | undefined
  readonly idColumn: string | undefined
  readonly keep: readonly string[]
}

/** Called with each invalid line, row or file. Without it, the first one ends the reading. */
export type Skip = (place: string, message: string) => void

/** Something in the input that the user can fix; the message says where it is. */
export class InputError extends Error {
  override readonly name = 'InputError'
}
