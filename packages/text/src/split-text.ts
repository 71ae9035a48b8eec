import { type CountTokens, type Unit, unitsOf, words } from './text-units.ts'
import { createUnitWindow } from './unit-window.ts'

/** `text` is the stretch of the whole text from `start` to `end`, in UTF-16 units. */
export interface TextPart {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly tokens: number
}

export interface SplitOptions {
  /** The limit of a part, including its overlap. */
  readonly mostTokens: number
  /** How much of the end of a part the next one repeats; at most half of `mostTokens`. */
  readonly overlapTokens: number
  /** Called with stretches of any length up to the whole text. */
  readonly countTokens: CountTokens
}

/** A part ends with a paragraph instead of a sentence if a paragraph ends within this last share of the limit. */
const paragraphShare = 1 / 4

/**
 * Splits a text into parts without gaps, none above the limit. Parts end with a paragraph or a sentence. A sentence that does not fit in a
 * part, besides the overlap, is split between lines or words; a word that does not fit, between characters. The overlap consists of whole
 * sentences, or of words if not even one sentence fits. A text that fits is one part; an empty text has none.
 * A single character with more tokens than the limit (4 at most) makes a part above the limit.
 */
export function splitText(text: string, { mostTokens, overlapTokens, countTokens }: SplitOptions): TextPart[] {
  if (!Number.isInteger(mostTokens) || mostTokens < 1)
    throw new RangeError(`mostTokens must be a whole number of at least 1; got ${mostTokens}`)
  if (!Number.isInteger(overlapTokens) || overlapTokens < 0 || overlapTokens > mostTokens / 2)
    throw new RangeError(`overlapTokens must be a whole number from 0 to half of mostTokens; got ${overlapTokens}`)

  const tokens = countTokens(text)
  if (tokens <= mostTokens) return text === '' ? [] : [{ text, start: 0, end: text.length, tokens }]
  const units = createUnitWindow(unitsOf(text, mostTokens - overlapTokens, countTokens))
  const unit = (index: number) => units.at(index) as Unit
  const parts: TextPart[] = []
  /** Where the next part begins, and the first unit that is in no part yet. */
  let start = 0
  let first = 0
  while (units.at(first) !== undefined) {
    let after = fill(start, first)
    let part = cut(start, after)
    // A stretch may have a few tokens more than the sum of its units.
    while (part.tokens > mostTokens && (after > first + 1 || start < unit(first).start)) {
      if (after > first + 1) after -= 1
      else start = unit(first).start
      part = cut(start, after)
    }
    parts.push(part)
    first = after
    start = overlapStart(part, after)
    units.dropBefore(start)
  }
  return parts

  function cut(from: number, after: number): TextPart {
    const { end } = unit(after - 1)
    const stretch = text.slice(from, end)
    return { text: stretch, start: from, end, tokens: countTokens(stretch) }
  }

  /** The index after the last unit that fits in a part that begins at `from`; at least one unit is taken. */
  function fill(from: number, index: number): number {
    let after = index + 1
    let tokens = countTokens(text.slice(from, unit(index).end))
    let next = units.at(after)
    while (next !== undefined && tokens + next.tokens <= mostTokens) {
      tokens += next.tokens
      after += 1
      next = units.at(after)
    }
    if (next === undefined) return after
    let left = mostTokens * paragraphShare
    for (let end = after; end > index && left >= 0; end -= 1) {
      if (unit(end - 1).endsParagraph) return end
      left -= unit(end - 1).tokens
    }
    return after
  }

  /** Where the part after `part` begins; `after` is the index after the last unit of `part`. */
  function overlapStart(part: TextPart, after: number): number {
    let from = part.end
    let left = overlapTokens
    for (let index = after - 1; index >= 0 && unit(index).start > part.start; index -= 1) {
      left -= unit(index).tokens
      if (left < 0) break
      from = unit(index).start
    }
    if (from === part.end) from = overlapOfWords(part, unit(after - 1))
    while (from < part.end && countTokens(text.slice(from, part.end)) > overlapTokens) from = nextWord(from, part.end)
    return from
  }

  function overlapOfWords(part: TextPart, last: Unit): number {
    let from = part.end
    let left = overlapTokens
    for (const word of [...words(text.slice(last.start, last.end))].toReversed()) {
      left -= countTokens(word)
      if (left < 0 || from - word.length <= part.start) break
      from -= word.length
    }
    return from
  }

  function nextWord(from: number, end: number): number {
    const [word = ''] = words(text.slice(from, end))
    return from + word.length
  }
}
