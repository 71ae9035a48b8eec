const abbreviation = /(?:\b(?:mr|mrs|ms|dr|prof|st|no|vs|e\.g|i\.e|inc|ltd|co|approx|etc)|\b\p{Lu})\.$/iu

/** Sentences and lines of a text, trimmed, in order. */
export function splitSentences(text: string): string[] {
  const sentences: string[] = []
  for (const line of splitLines(text)) {
    let from = 0
    for (const match of line.matchAll(/[.!?]+["')\]]*\s+/g)) {
      const end = match.index + match[0].length
      const sentence = line.slice(from, end).trim()
      if (abbreviation.test(sentence)) continue
      sentences.push(sentence)
      from = end
    }
    if (from < line.length) sentences.push(line.slice(from).trim())
  }
  return sentences
}

/** Lines with something in them, without bullets and numbers of lists. */
export function splitLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/^\s*(?:[-*•–]|\d{1,3}[.)])\s+/, '').trim())
    .filter((line) => line !== '')
}

/** Parts of a list inside a sentence: at commas, semicolons and "and". */
export function splitClauses(text: string): string[] {
  return text
    .split(/\s*(?:[,;](?!\d)|(?<=[.!?])\s|\n|\b(?:and|as well as|plus)\b)\s*/)
    .map((part) => part.replace(/[.!?]$/, '').trim())
    .filter((part) => part !== '')
}

/** Cut at a word's end. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text
  const cut = text.lastIndexOf(' ', most - 1)
  return `${text.slice(0, cut > most / 2 ? cut : most - 1).toWellFormed()}…`
}
