/** Something that was found in a text, and where. */
export interface Candidate<Value = string> {
  readonly value: Value
  readonly at: number
  readonly end: number
}

/** Two things that are further apart than this many characters are not related. */
const furthest = 60
const acrossSentences = 30

/** All matches of a global pattern; `group` is the part that counts. */
export function matchAll(text: string, pattern: RegExp, group = 0): Candidate[] {
  const found: Candidate[] = []
  for (const match of text.matchAll(pattern)) {
    const value = match[group]
    if (value === undefined || value === '') continue
    const at = match.index + (group === 0 ? 0 : match[0].indexOf(value))
    found.push({ value, at, end: at + value.length })
  }
  return found
}

/** The candidate next to one of the words, before or after it; undefined if none is near. */
export function nearest<Value>(
  text: string,
  words: RegExp | null,
  candidates: readonly Candidate<Value>[],
): Candidate<Value> | undefined {
  if (words === null || candidates.length === 0) return undefined
  let best: Candidate<Value> | undefined
  let bestDistance = furthest
  for (const match of text.matchAll(words)) {
    const from = match.index
    const to = from + match[0].length
    for (const candidate of candidates) {
      // A word usually comes before its value ("price: 12"), a unit after it ("12 years").
      const [gap, between] =
        candidate.at >= from
          ? [Math.max(0, candidate.at - to), text.slice(to, candidate.at)]
          : [(from - candidate.end) * 1.2 + 0.5, text.slice(candidate.end, from)]
      const distance = gap + (/[.!?;\n]\s/.test(between) ? acrossSentences : 0)
      if (distance < bestDistance) {
        best = candidate
        bestDistance = distance
      }
    }
  }
  return best
}
