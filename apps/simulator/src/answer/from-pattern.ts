import { type Candidate, matchAll } from './candidate.ts'

/** Parts of a text that match a schema's pattern; where there are none, something short that does. Empty when that is not found. */
export function matchOf(pattern: string, text: string): readonly Candidate[] {
  let compiled: RegExp
  try {
    compiled = new RegExp(pattern, 'u')
  } catch {
    return []
  }
  const inner = pattern.replace(/^\^/, '').replace(/(?<!\\)\$$/, '')
  const found = text === '' ? [] : matchAll(text, new RegExp(`(?<![\\p{L}\\p{N}])(?:${inner})(?![\\p{L}\\p{N}])`, 'gu'))
  const fitting = found.filter(({ value }) => compiled.test(value))
  if (fitting.length > 0 || text !== '') return fitting
  const made = makeMatch(inner)
  return made !== null && compiled.test(made) ? [{ value: made, at: 0, end: 0 }] : []
}

/** The shortest plain reading of an expression: first alternatives, least repetitions. */
function makeMatch(source: string): string | null {
  let at = 0
  try {
    return alternatives()
  } catch {
    return null
  }

  function alternatives(): string {
    let first: string | null = null
    for (;;) {
      const one = sequence()
      first ??= one
      if (source[at] !== '|') return first
      at += 1
    }
  }

  function sequence(): string {
    let made = ''
    while (at < source.length && source[at] !== '|' && source[at] !== ')') {
      const one = atom()
      made += one.repeat(times())
    }
    return made
  }

  function atom(): string {
    const character = source[at]!
    at += 1
    switch (character) {
      case '(': {
        const lookaround = /^\?(?:<?[=!])/.exec(source.slice(at))
        at += /^\?(?:<?[=!]|:|<\w+>)?/.exec(source.slice(at))?.[0].length ?? 0
        const inner = alternatives()
        at += 1
        return lookaround === null ? inner : ''
      }
      case '[': {
        const end = endOfClass()
        const range = new RegExp(source.slice(at - 1, end), 'u')
        at = end
        return sample(range)
      }
      case '\\': {
        const escaped = /^(?:p\{[^}]*\}|P\{[^}]*\}|u\{[\da-f]+\}|u[\da-f]{4}|x[\da-f]{2}|.)/i.exec(source.slice(at))![0]
        at += escaped.length
        return /^[bB]$/.test(escaped) ? '' : sample(new RegExp(`\\${escaped}`, 'u'))
      }
      case '^':
      case '$':
        return ''
      case '.':
        return 'a'
      default:
        return character
    }
  }

  function endOfClass(): number {
    let end = at + (source[at] === '^' ? 1 : 0)
    while (source[end] !== ']') end += source[end] === '\\' ? 2 : 1
    return end + 1
  }

  function times(): number {
    const quantifier = /^(?:\*|\+|\?|\{(\d+)(?:,\d*)?\})\??/.exec(source.slice(at))
    if (quantifier === null) return 1
    at += quantifier[0].length
    if (quantifier[1] !== undefined) return Math.min(1_000, Number(quantifier[1]))
    return quantifier[0].startsWith('+') ? 1 : 0
  }
}

const alphabet = [
  'A',
  'a',
  '0',
  '1',
  '-',
  '_',
  ' ',
  ...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)),
  '\n',
  'é',
]

function sample(range: RegExp): string {
  const found = alphabet.find((character) => range.test(character))
  if (found === undefined) throw new Error('nothing of the alphabet fits')
  return found
}
