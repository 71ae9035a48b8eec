import { splitSentences } from './sentences.ts'

const stopWords = new Set(
  'a about after all also am an and any are as at be because been but by can could did do does for from had has have he her his how i if in into is it its just me my no not of on or our out please she should so some such than that the their them then there these they this to too up us very was we were what when where which who will with would you your'.split(
    ' ',
  ),
)
/** Only so much of a long text is read, because the summary is rough. */
const mostRead = 20_000

/** How often the significant words of a text occur, the most frequent first; equal ones in their order. */
export function frequentWords(text: string): [word: string, times: number][] {
  const times = new Map<string, number>()
  for (const [word] of text
    .slice(0, mostRead)
    .toLowerCase()
    .matchAll(/\p{L}[\p{L}'’-]{2,}/gu)) {
    if (!stopWords.has(word)) times.set(word, (times.get(word) ?? 0) + 1)
  }
  return [...times].sort(([, a], [, b]) => b - a)
}

/** The sentences with the most of the text's frequent words, in the text's order, up to about so many characters. */
export function summarize(text: string, mostCharacters: number): string {
  const sentences = splitSentences(text.slice(0, mostRead))
  // The last one read is cut off.
  if (text.length > mostRead && sentences.length > 1) sentences.pop()
  if (sentences.length <= 1) return sentences[0] ?? ''
  const weights = new Map(frequentWords(text))
  const scored = sentences.map((sentence, at) => {
    const words = sentence.toLowerCase().match(/\p{L}[\p{L}'’-]{2,}/gu) ?? []
    const sum = words.reduce((total, word) => total + (weights.get(word) ?? 0), 0)
    // The first sentence of a text is more important than others.
    return { sentence, at, score: (sum / (words.length + 4)) * (at === 0 ? 1.5 : 1) }
  })
  scored.sort((a, b) => b.score - a.score)
  const kept: typeof scored = []
  let length = 0
  for (const one of scored) {
    if (kept.length > 0 && length + one.sentence.length > mostCharacters) continue
    kept.push(one)
    length += one.sentence.length + 1
  }
  return kept
    .sort((a, b) => a.at - b.at)
    .map(({ sentence }) => sentence)
    .join(' ')
}
