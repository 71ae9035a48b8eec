import { nearest } from './candidate.ts'
import { createScore, unsaid } from './cues.ts'
import { splitName } from './words.ts'
import type { Given, Writer } from './writer.ts'

/** The value of the schema for which the text has most words; the earlier one if two are equal. */
export function createValuesWriter({ words, nullable }: Given, values: readonly unknown[]): Writer {
  const strings = values.filter((value) => typeof value === 'string')
  const numbers = values.filter((value) => typeof value === 'number')
  const scores = strings.map((value) => [value, createScore(value)] as const)
  const otherwise = strings.find((value) => unsaid.test(splitName(value))) ?? strings.at(0)
  return {
    nullable,
    known: () => 0,
    find(facts, effort) {
      if (values.length === 1) return values[0]
      if (numbers.length > 0) {
        const known = facts.numbers.filter(({ value }) => numbers.includes(value))
        const near = nearest(facts.text, words.inText, known) ?? known[0]
        if (near !== undefined) return near.value
      }
      let best: string | undefined
      let bestScore = 0
      for (const [value, score] of scores) {
        const own = score(facts.text)
        if (own > bestScore) {
          best = value
          bestScore = own
        }
      }
      if (best !== undefined) return best
      return effort === 'guess' ? otherwise : undefined
    },
    least: () => otherwise ?? values[0],
  }
}

/** For lists of choices: all values that the text suggests. */
export function createAllValues(values: readonly unknown[]): (text: string) => unknown[] {
  const scores = values
    .filter((value) => typeof value === 'string')
    .map((value) => [value, createScore(value)] as const)
  return (text) => scores.filter(([, score]) => score(text) >= 1).map(([value]) => value)
}
