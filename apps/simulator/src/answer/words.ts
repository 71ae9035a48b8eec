/** The name and the description of a property, split into words. */
export interface Words {
  /** The name's words, lower case, with spaces between: `orderNumber` is `order number`. */
  readonly name: string
  readonly description: string
  /** The name of the object or list that contains it. */
  readonly parent: string
  /** Finds the significant words of the name in a text, in their usual forms; null if the name has none. Global. */
  readonly inText: RegExp | null
}

const untelling = new Set(
  'a an and at by count date for from full id ids in is has was are of on or list number num no the to total type value values text string field name names info data detail details item items current new'.split(
    ' ',
  ),
)

export function createWords(name: string, description: string, parent: string): Words {
  const spaced = splitName(name)
  return { name: spaced, description, parent, inText: patternOf(spaced.split(' ')) }
}

export function splitName(name: string): string {
  return name
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase()
}

/** Finds words in their usual endings. */
export function patternOf(words: readonly string[]): RegExp | null {
  const stems = words.filter((word) => word.length > 1 && !untelling.has(word)).map((word) => escape(stemOf(word)))
  return stems.length === 0 ? null : new RegExp(`(?<![\\p{L}\\p{N}])(?:${stems.join('|')})\\p{L}{0,4}`, 'giu')
}

function stemOf(word: string): string {
  if (word.length < 5) return word.replace(/(?<=\w{3})s$/, '')
  return word.replace(/(?:ies|ing|ed|es|y|e|s)$/, '')
}

export function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
