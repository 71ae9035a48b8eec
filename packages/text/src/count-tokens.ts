import { clearMergeCache, countTokens as countPiece } from 'gpt-tokenizer/encoding/o200k_base'

/** The tokenizer's time grows with the square of the longest word: 0.7 s for one of 40,000 letters. */
const pieceLength = 2_000

/** The tokenizer caches the last 100,000 words, whatever their length, and each keeps its whole text in memory: gigabytes, for a hostile text. */
const cachedLength = 1_000_000
let countedLength = 0

/** A text that contains a special token, such as `<|endoftext|>`, is counted like any other: models receive its characters. */
const options = { disallowedSpecial: new Set<string>() }

/** Tokens of a text in OpenAI's newest encoding. A long text may be counted one token too high for each 2,000 characters. */
export function countTokens(text: string): number {
  let tokens = 0
  for (let start = 0; start < text.length; start += pieceLength) {
    const piece = text.slice(start, start + pieceLength)
    tokens += countPiece(piece, options)
    countedLength += piece.length
    if (countedLength > cachedLength) {
      clearMergeCache()
      countedLength = 0
    }
  }
  return tokens
}
