import { closest, distance } from 'fastest-levenshtein'

/** The name that was probably meant; undefined if more than three letters, or more than a third of them, differ from each. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  if (word.length > 40 || names.length === 0) return undefined
  const same = names.find((name) => name.toLowerCase() === word.toLowerCase())
  const best = same ?? closest(word, names)
  return distance(word.toLowerCase(), best.toLowerCase()) <= Math.min(3, best.length / 3) ? best : undefined
}
