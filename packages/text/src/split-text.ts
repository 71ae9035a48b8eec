import { type CountTokens, type Unit, unitsOf, words } from './text-units.ts'
import { createUnitWindow } from './unit-window.ts'

/** `text` is the whole text's from `start` to `end`, in UTF-16 units. */
export interface TextPart {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly tokens: number
}

export interface SplitOptions {
  /** Of a part, its overlap included. */
  readonly mostTokens: number
  /** How much of the end of a part the next one begins with; at most half of `mostTokens`. */
  readonly overlapTokens: number
  /** Called with stretches of any length up to the whole text. */
  readonly countTokens: CountTokens
}

/** A part ends with a paragraph rather than with a sentence where one ends within this share of the limit. */
const paragraphShare = 1 / 4

/**
 * Cuts a text into parts that follow each other without a gap, none above the limit. They end with a paragraph or a sentence; only a
 * sentence that is longer than a part has room for, besides its overlap, is cut between lines or words, and a word that is, between characters.
 * The overlap is as many whole sentences as it may hold, or, where not even one fits, as many words. A text that fits is one part, an empty one none.
 * A single character that has more tokens than the limit is a part above it: no character has more than 4.
 */
export function splitText(text: string, { mostTokens, overlapTokens, countTokens }: SplitOptions): TextPart[] {
  if (!Number.isInteger(mostTokens) || mostTokens < 1)
    throw new RangeError(`mostTokens must be a whole number from 1 on; got ${mostTokens}`)
  if (!Number.isInteger(overlapTokens) || overlapTokens < 0 || overlapTokens > mostTokens / 2)
    throw new RangeError(`overlapTokens must be a whole number from 0 to half of mostTokens; got ${overlapTokens}`)

  const tokens = countTokens(text)
  if (tokens <= mostTokens) return text === '' ? [] : [{ text, start: 0, end: text.length, tokens }]
  const units = createUnitWindow(unitsOf(text, mostTokens - overlapTokens, countTokens))
  const unit = (index: number) => units.at(index) as Unit
  const parts: TextPart[] = []
  /** Where the next part begins, and the first unit that no part has yet. */
  let start = 0
  let first = 0
  while (units.at(first) !== undefined) {
    let behind = fill(start, first)
    let part = cut(start, behind)
    // A stretch may have a few tokens more than its units together.
    while (part.tokens > mostTokens && (behind > first + 1 || start < unit(first).start)) {
      if (behind > first + 1) behind -= 1
      else start = unit(first).start
      part = cut(start, behind)
    }
    parts.push(part)
    first = behind
    start = overlapStart(part, behind)
    units.dropBefore(start)
  }
  return parts

  function cut(from: number, behind: number): TextPart {
    const { end } = unit(behind - 1)
    const own = text.slice(from, end)
    return { text: own, start: from, end, tokens: countTokens(own) }
  }

  /** The index behind the last unit that fits in a part that begins at `from`; always takes one. */
  function fill(from: number, index: number): number {
    let behind = index + 1
    let tokens = countTokens(text.slice(from, unit(index).end))
    let next = units.at(behind)
    while (next !== undefined && tokens + next.tokens <= mostTokens) {
      tokens += next.tokens
      behind += 1
      next = units.at(behind)
    }
    if (next === undefined) return behind
    let left = mostTokens * paragraphShare
    for (let end = behind; end > index && left >= 0; end -= 1) {
      if (unit(end - 1).endsParagraph) return end
      left -= unit(end - 1).tokens
    }
    return behind
  }

  /** Where the part after `part` begins, whose last unit stands before `behind`. */
  function overlapStart(part: TextPart, behind: number): number {
    let from = part.end
    let left = overlapTokens
    for (let index = behind - 1; index >= 0 && unit(index).start > part.start; index -= 1) {
      left -= unit(index).tokens
      if (left < 0) break
      from = unit(index).start
    }
    if (from === part.end) from = overlapOfWords(part, unit(behind - 1))
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
