import { html } from 'htm/preact'

/** Longer texts are shown without marks. */
const markedLength = 200_000
const mostMarks = 500
const mostValues = 200

/** The text with the values of the answer marked where they are written in it. */
export function markFound(text: string, answer: unknown) {
  const spans = text.length > markedLength ? [] : findValues(text, answer)
  if (spans.length === 0) return text
  const out: unknown[] = []
  let at = 0
  for (const { start, end } of spans) {
    if (start > at) out.push(text.slice(at, start))
    out.push(html`<mark>${text.slice(start, end)}</mark>`)
    at = end
  }
  out.push(text.slice(at))
  return out
}

/** Places of the answer's strings and numbers in the text, in order, without overlaps. A value that is part of a longer word is left out. */
export function findValues(text: string, answer: unknown): { start: number; end: number }[] {
  const spans: { start: number; end: number }[] = []
  // The longest first: a name wins over a part of it.
  for (const value of leaves(answer).sort((a, b) => b.length - a.length)) {
    for (
      let at = text.indexOf(value);
      at >= 0 && spans.length < mostMarks;
      at = text.indexOf(value, at + value.length)
    ) {
      const end = at + value.length
      const isWhole = !isWord(text[at - 1], value[0]!) && !isWord(text[end], value.at(-1)!)
      if (isWhole && !spans.some((span) => at < span.end && span.start < end)) spans.push({ start: at, end })
    }
  }
  return spans.sort((a, b) => a.start - b.start)
}

function isWord(beside: string | undefined, edge: string): boolean {
  const letter = /[\p{L}\p{N}]/u
  return beside !== undefined && letter.test(beside) && letter.test(edge)
}

function leaves(answer: unknown): string[] {
  const found = new Set<string>()
  const left: unknown[] = [answer]
  while (left.length > 0 && found.size < mostValues) {
    const value = left.pop()
    if (typeof value === 'string' && value.trim().length >= 2) found.add(value)
    else if (typeof value === 'number') found.add(String(value))
    else if (typeof value === 'object' && value !== null) left.push(...Object.values(value).slice(0, mostValues))
  }
  return [...found]
}
