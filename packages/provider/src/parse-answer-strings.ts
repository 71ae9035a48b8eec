/**
 * How a string that does not begin with `"` ends.
 * - `same-kind`: at the counterpart of its opening quote, so a string in curly quotes may hold straight ones;
 * - `any-kind`: at any quote of the same width (double or single), because models open with one kind and close with another.
 */
export type QuoteRule = 'same-kind' | 'any-kind'

export type ReadString =
  | { readonly ok: true; readonly value: string; readonly end: number; readonly isPlain: boolean }
  | { readonly ok: false; readonly at: number; readonly problem: string }

const doubleQuotes = '"“”„‟'
const singleQuotes = "'‘’‚‛"
/** The closing quotes of each opening one, for `same-kind`. */
const counterparts: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '`': '`',
  '“': '”',
  '”': '”',
  '„': '“”',
  '‟': '”',
  '‘': '’',
  '’': '’',
  '‚': '‘’',
  '‛': '’',
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  "'": "'",
  '`': '`',
}
const hex = /^[0-9a-fA-F]{4}$/
const letter = /[a-zA-Z]|[\p{L}\p{M}]/u

export function opensString(character: string): boolean {
  return Object.hasOwn(counterparts, character)
}

/** Whether a text has quotes for which the two rules can differ. */
export function hasCurlyQuotes(text: string): boolean {
  return /[“”„‟‘’‚‛]/.test(text)
}

/** Reads the string that opens at `start`. `isPlain`: it is JSON as it is. A failure at the end of the text is a string that does not end. */
export function readString(text: string, start: number, rule: QuoteRule): ReadString {
  const opening = text[start]!
  if (opening === '"' && rule === 'same-kind') {
    const plain = readPlainString(text, start)
    if (plain !== null) return plain
  }
  const closing = rule === 'same-kind' ? counterparts[opening]! : closingOfAnyKind(opening)
  // “a “b” c”: only curly quotes show which of them open.
  const nests = rule === 'same-kind' && opening === '“'
  let isPlain = opening === '"'
  let value = ''
  let from = start + 1
  let depth = 0
  for (let at = nextSpecial(text, from); at < text.length; at = nextSpecial(text, at + 1)) {
    const character = text[at]!
    if (character === '\\') {
      const escaped = readEscape(text, at)
      if (escaped === null) return { ok: false, at, problem: `the escape ${text.slice(at, at + 2)} is not valid JSON` }
      if (escaped.end > text.length) break
      if (text[at + 1] === "'" || text[at + 1] === '`') isPlain = false
      value += text.slice(from, at) + escaped.value
      from = escaped.end
      at = escaped.end - 1
    } else if (nests && character === '“') depth += 1
    else if (closing.includes(character)) {
      if (nests && depth > 0) depth -= 1
      else if (!isApostrophe(text, at)) {
        const whole = value + text.slice(from, at)
        if (opening === '`' && whole.includes('${'))
          return { ok: false, at: start, problem: 'a template with ${...} is code, not a value' }
        return { ok: true, value: whole, end: at + 1, isPlain }
      }
    } else if (character < ' ') isPlain = false
  }
  return { ok: false, at: text.length, problem: 'a string does not end' }
}

const longString = 1_000

/** A long string of JSON as it is, with escapes: `JSON.parse` decodes them ten times as fast. */
function readPlainString(text: string, start: number): ReadString | null {
  const end = endOfString(text, start) + 1
  if (end - start < longString) return null
  try {
    return { ok: true, value: JSON.parse(text.slice(start, end)) as string, end, isPlain: true }
  } catch {
    return null
  }
}

/** Of the string that opens at `start`: the index of its closing quote; -1 if it does not end. */
export function endOfString(text: string, start: number): number {
  let at = start
  do {
    at = text.indexOf('"', at + 1)
  } while (isEscaped(text, at))
  return at
}

function isEscaped(text: string, quote: number): boolean {
  let slashes = 0
  while (text[quote - 1 - slashes] === '\\') slashes += 1
  return slashes % 2 === 1
}

/** All that may end a string or must be looked at in it: quotes, a backslash, control characters. */
const special = /["“”„‟'‘’‚‛`\\]|[^ -\uffff]/g

function nextSpecial(text: string, from: number): number {
  special.lastIndex = from
  return special.test(text) ? special.lastIndex - 1 : text.length
}

function closingOfAnyKind(opening: string): string {
  if (doubleQuotes.includes(opening)) return doubleQuotes
  return singleQuotes.includes(opening) ? singleQuotes : opening
}

/** A single quote between two letters belongs to the word: O'Brien. */
function isApostrophe(text: string, at: number): boolean {
  return singleQuotes.includes(text[at]!) && letter.test(text[at - 1] ?? '') && letter.test(text[at + 1] ?? '')
}

function readEscape(text: string, at: number): { readonly value: string; readonly end: number } | null {
  const kind = text[at + 1]
  if (kind === undefined) return { value: '', end: text.length + 1 }
  if (kind === 'u') {
    const digits = text.slice(at + 2, at + 6)
    if (at + 6 > text.length) return { value: '', end: text.length + 1 }
    return hex.test(digits) ? { value: String.fromCharCode(Number.parseInt(digits, 16)), end: at + 6 } : null
  }
  const value = Object.hasOwn(escapes, kind) ? escapes[kind] : undefined
  return value === undefined ? null : { value, end: at + 2 }
}
