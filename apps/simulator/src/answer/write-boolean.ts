import { createScore } from './cues.ts'
import { patternOf } from './words.ts'
import type { Given, Writer } from './writer.ts'

const auxiliary =
  /^(?:is|has|have|had|was|were|are|be|been|should|can|could|will|does|do|did|needs|wants|requires|contains|includes|mentions)$/
const negation =
  /\b(?:no|not|never|without|neither|nor|isn't|aren't|don't|doesn't|didn't|wasn't|won't|cannot|can't|hardly)\s+(?:\p{L}+\s+){0,2}$/iu

/** True if the text has the words of the name, or synonyms of them, and does not deny them. */
export function createBooleanWriter({ words, nullable }: Given): Writer {
  const telling = words.name.split(' ').filter((word) => !auxiliary.test(word))
  const pattern = patternOf(telling)
  const score = createScore(telling.join(' '))
  const find = (text: string): boolean | undefined => {
    for (const match of pattern === null ? [] : text.matchAll(pattern)) {
      return !negation.test(text.slice(Math.max(0, match.index - 40), match.index))
    }
    return score(text) >= 1 ? true : undefined
  }
  return {
    nullable,
    known: () => 0,
    find: ({ text }, effort) => find(text) ?? (effort === 'guess' ? false : undefined),
    least: () => false,
  }
}
