import type { DocumentKind } from './document-kind.ts'

export interface Document {
  readonly kind: DocumentKind
  readonly bytes: Uint8Array
}

/** The text of a document, or the reason why it could not be read. */
export type DocumentText =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'unreadable' | 'too_large'; readonly message: string }

export interface DocumentLimits {
  readonly bytes: number
  readonly pages: number
  /** Of the text. */
  readonly characters: number
  readonly timeMs: number
  /** Of the process that reads it: for its objects, and the same again for buffers. */
  readonly memoryMb: number
}

export function unreadable(message: string): DocumentText {
  return { type: 'unreadable', message }
}

export function tooLarge(message: string): DocumentText {
  return { type: 'too_large', message }
}
