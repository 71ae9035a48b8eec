import { type Candidate, matchAll, nearest } from './candidate.ts'
import type { Facts } from './facts.ts'
import { ofFormat, sampleOf } from './formats.ts'
import { matchOf } from './from-pattern.ts'
import { type Kind, kindOf } from './kinds.ts'
import type { JsonSchema } from './shape.ts'
import { candidatesOf } from './string-kinds.ts'
import { escape, type Words } from './words.ts'
import type { Effort, Given, Writer } from './writer.ts'

/** Of a label in front of its value, as forms and mails have them. */
const longestLabelled = 300
const example =
  /(?:such as|e\.g\.,?|like|for example|example:)\s+["'`]?((?=[\p{L}\d-]*\d)[\p{L}\d]+(?:[-_/][\p{L}\d]+)*)/iu

export function createStringWriter({ schema, words, nullable }: Given): Writer {
  const fit = createFit(schema)
  const find = createFinder(schema, words)
  const isProse = prose.has(kindOf(words))
  return {
    nullable,
    find(facts, effort) {
      const found = find(facts, effort)
      return found === undefined ? undefined : fit(found)
    },
    known: (facts) => (isProse || find(facts, 'sure') === undefined ? 0 : 1),
    least: () => leastOf(schema),
  }
}

/** All strings of a kind, for lists of them. */
export function createAllStrings({ schema, words }: Given): (facts: Facts) => readonly Candidate[] {
  const fit = createFit(schema)
  const all = createCandidates(schema, words, kindOf(words))
  return (facts) =>
    all(facts).flatMap((one) => {
      const value = fit(one.value)
      return value === undefined ? [] : [{ ...one, value }]
    })
}

function createFinder(schema: JsonSchema, words: Words): (facts: Facts, effort: Effort) => string | undefined {
  const kind = kindOf(words)
  const all = createCandidates(schema, words, kind)
  const label = words.name === '' ? null : labelOf(words.name)
  const isFree = typeof schema['format'] !== 'string' && typeof schema['pattern'] !== 'string'
  const last = /\b(?:end|until|due|deadline|return|checkout|check out|expir\w*|arrival)\b/.test(words.name)

  return (facts, effort) => {
    const { text } = facts
    const labelled = label?.exec(text)
    if (labelled !== null && labelled !== undefined) {
      const value = labelled[1]!.trim()
      const from = labelled.index + labelled[0].length - labelled[1]!.length
      const within = prose.has(kind) ? undefined : all(facts).find(({ at }) => at >= from && at < from + value.length)
      if (within !== undefined) return partOf(words, within.value)
      if (isFree && value !== '' && value.length <= longestLabelled) return value
    }
    if (kind === 'phrase' && isFree) return phraseNear(text, words) ?? (effort === 'guess' ? '' : undefined)
    const candidates = all(facts)
    const chosen = nearest(text, words.inText, candidates) ?? (last ? candidates.at(-1) : candidates[0])
    if (chosen !== undefined) return partOf(words, chosen.value)
    return effort === 'guess' && isFree ? '' : undefined
  }
}

/** Kinds that every text has. */
const prose = new Set<Kind>(['summary', 'title', 'sentence', 'keyword', 'phrase'])

function createCandidates(schema: JsonSchema, words: Words, kind: Kind): (facts: Facts) => readonly Candidate[] {
  const { format, pattern } = schema
  const shape = example.exec(words.description)?.[1]
  const shaped = shape === undefined ? null : likeExample(shape)
  return (facts) => {
    const formatted = typeof format === 'string' ? ofFormat(format, facts) : undefined
    if (formatted !== undefined) return formatted
    if (typeof pattern === 'string') return matchOf(pattern, facts.text)
    return shaped === null ? candidatesOf(kind, facts) : matchAll(facts.text, shaped)
  }
}

/** The example `A-48213` means: a letter, a dash and some digits. */
function likeExample(example: string): RegExp {
  const source = escape(example)
    .replace(/\p{Lu}+/gu, (letters) => `\\p{Lu}{${letters.length}}`)
    .replace(/(?<![\\{\d])\d+(?!\})/g, (digits) => `\\d{${Math.max(1, digits.length - 2)},${digits.length + 2}}`)
  return new RegExp(`(?<![\\p{L}\\d])${source}(?![\\p{L}\\d])`, 'gu')
}

function labelOf(name: string): RegExp {
  return new RegExp(
    `(?:^|[\\n;|])[ \\t*_-]*${escape(name).replaceAll(' ', '[\\s_-]*')}[*_]*\\s*[:=][ \\t*_]*([^\\n;|]+)`,
    'i',
  )
}

function phraseNear(text: string, { inText, name }: Words): string | undefined {
  if (inText === null || name === '') return undefined
  for (const match of text.matchAll(inText)) {
    const after = text.slice(match.index + match[0].length, match.index + match[0].length + 160)
    const phrase =
      /^(?:\s+\p{L}+)?\s*(?:\bis\b|\bwas\b|\bare\b|:|=|\bof\b|\bnamed\b|\bcalled\b)\s+([^.,;:!?\n]{1,100})/iu.exec(
        after,
      )?.[1]
    if (phrase !== undefined) return phrase.trim()
  }
  return undefined
}

function partOf({ name }: Words, value: string): string {
  if (/\b(?:first|given) name\b|\bforename\b/.test(name)) return value.split(' ')[0]!
  if (/\b(?:last|family) name\b|\bsurname\b/.test(name)) return value.split(' ').at(-1)!
  return value
}

/** Makes a value fit the schema; undefined if that is not possible. */
function createFit(schema: JsonSchema): (value: string) => string | undefined {
  const most = typeof schema['maxLength'] === 'number' ? schema['maxLength'] : Infinity
  const least = typeof schema['minLength'] === 'number' ? schema['minLength'] : 0
  const bound = typeof schema['pattern'] === 'string' || typeof schema['format'] === 'string'
  if (most === Infinity && least === 0) return (value) => value
  return (value) => {
    // JSON Schema counts code points.
    const points = Array.from(value)
    if (points.length <= most && points.length >= least) return value
    if (bound || points.length < least) return undefined
    const cut = points.slice(0, most).join('')
    const atWord = cut.slice(0, Math.max(0, cut.lastIndexOf(' ')))
    return Array.from(atWord).length >= Math.max(least, most / 2) ? atWord : cut
  }
}

function leastOf(schema: JsonSchema): string {
  const { format, pattern } = schema
  const sample = typeof format === 'string' ? sampleOf(format) : undefined
  if (sample !== undefined) return sample
  const least = typeof schema['minLength'] === 'number' ? schema['minLength'] : 0
  if (typeof pattern === 'string') return matchOf(pattern, '')[0]?.value ?? ''
  return 'unknown'.slice(0, least).padEnd(least, '-')
}
