export type CountTokens = (text: string) => number

/** A stretch of a text that is kept whole: a sentence, or the largest pieces that fit of a sentence that does not. */
export interface Unit {
  readonly start: number
  readonly end: number
  readonly tokens: number
  /** It is the last unit of its paragraph. */
  readonly endsParagraph: boolean
}

/** Cuts a text into pieces. Joined, they are the text again. */
type Cut = (text: string) => Iterable<string>

// One locale for all, so that results do not depend on the machine. For sentences and words the rules hardly differ.
const sentenceSegmenter = new Intl.Segmenter('en', { granularity: 'sentence' })
const wordSegmenter = new Intl.Segmenter('en', { granularity: 'word' })
const graphemeSegmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** How to cut a sentence that does not fit, the coarsest way first. */
const finerCuts: readonly Cut[] = [lines, words, graphemes, (text) => text]

/** The units of a text. None is above `mostTokens`, except a single character that alone has more. */
export function* unitsOf(text: string, mostTokens: number, countTokens: CountTokens): Generator<Unit> {
  let start = 0
  for (const paragraph of paragraphs(text)) {
    const paragraphEnd = start + paragraph.length
    for (const sentence of sentences(paragraph)) {
      for (const { length, tokens } of fitting(sentence, finerCuts)) {
        const end = start + length
        yield { start, end, tokens, endsParagraph: end === paragraphEnd }
        start = end
      }
    }
  }

  function* fitting(piece: string, [cut, ...finer]: readonly Cut[]): Generator<{ length: number; tokens: number }> {
    const tokens = countTokens(piece)
    if (tokens <= mostTokens || cut === undefined) yield { length: piece.length, tokens }
    else for (const smaller of cut(piece)) yield* fitting(smaller, finer)
  }
}

/** Words, each with the punctuation and the spaces that follow it. */
export function* words(text: string): Generator<string> {
  let start = 0
  for (const { index, isWordLike } of wordSegmenter.segment(text)) {
    if (isWordLike !== true || index === 0) continue
    yield text.slice(start, index)
    start = index
  }
  if (start < text.length) yield text.slice(start)
}

/** Each with the blank lines that follow it. */
function* paragraphs(text: string): Generator<string> {
  let start = 0
  for (const border of text.matchAll(/\n[^\S\n]*\n\s*/g)) {
    const end = border.index + border[0].length
    yield text.slice(start, end)
    start = end
  }
  if (start < text.length) yield text.slice(start)
}

/** A line break within a paragraph does not end a sentence: text from a PDF has one at the end of every line. */
function* sentences(paragraph: string): Generator<string> {
  const oneLine = paragraph.replaceAll(/[\r\n]/g, ' ')
  for (const { index, segment } of sentenceSegmenter.segment(oneLine))
    yield paragraph.slice(index, index + segment.length)
}

function* lines(text: string): Generator<string> {
  for (const [line] of text.matchAll(/[^\n]*\n|[^\n]+$/g)) yield line
}

function* graphemes(text: string): Generator<string> {
  for (const { segment } of graphemeSegmenter.segment(text)) yield segment
}
