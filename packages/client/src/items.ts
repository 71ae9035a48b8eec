import { itemInput } from '@sluice/contract/item'
import { formatPath } from '@sluice/contract/error'
import { mostSpecific } from '@sluice/contract/parse'
import { InvalidRequestError } from './errors.ts'
import type { Text, Texts } from './options.ts'

/** A piece of the input as lines of JSON; the first line is item `from`. */
export interface Piece {
  readonly from: number
  readonly lines: readonly string[]
  /** It is the last piece. */
  readonly last: boolean
}

export interface PieceSize {
  readonly items: number
  readonly characters: number
}

/** Reads the input piece by piece, only when the next piece is requested. */
export interface Pieces {
  next(size: PieceSize): Promise<Piece>
  /** Closes the input's iterator. */
  close(): Promise<void>
}

/** Throws a TypeError if `texts` is not iterable. `next` throws an InvalidRequestError that names the invalid item. */
export function createPieces(texts: Texts): Pieces {
  const items = iteratorOf(texts)
  let index = 0
  return {
    async next(size) {
      const from = index
      const lines: string[] = []
      let characters = 0
      while (lines.length < size.items && characters < size.characters) {
        const next = await items.next()
        if (next.done) return { from, lines, last: true }
        const line = JSON.stringify(checked(next.value, index))
        lines.push(line)
        characters += line.length
        index += 1
      }
      return { from, lines, last: false }
    },
    async close() {
      await items.return?.()
    },
  }
}

function iteratorOf(texts: Texts): Iterator<Text> | AsyncIterator<Text> {
  // A string is iterable, too, but by its characters.
  if (typeof texts === 'object' && texts !== null) {
    if (Symbol.asyncIterator in texts) return texts[Symbol.asyncIterator]()
    if (Symbol.iterator in texts) return texts[Symbol.iterator]()
  }
  throw new TypeError('texts: Give an iterable or async iterable of texts, such as an array; one text as [text].')
}

/** Items are checked before they are sent, so that an error names the position in the whole input. */
function checked(item: Text, index: number): Text {
  const parsed = itemInput.safeParse(item)
  if (parsed.success) return parsed.data
  const issue = mostSpecific(parsed.error.issues)
  const param = formatPath(['texts', index, ...(issue?.path ?? [])])
  throw new InvalidRequestError({
    type: 'invalid_request_error',
    code: 'invalid_item',
    message: `${param}: ${issue?.message ?? 'This is not a valid item.'}`,
    param,
  })
}
