import { hasCurlyQuotes } from './parse-answer-strings.ts'
import { setImmediate } from 'node:timers/promises'
import { deepestAnswer, mostAnswerValues, type Pace, type ReadValue, readValue } from './parse-answer-value.ts'

/** A JSON value of an answer. */
export interface AnswerValue {
  readonly value: unknown
  /** Characters of its text. */
  readonly length: number
  /** The answer was not that value as plain JSON: there was text around it, or it was written in another notation. */
  readonly repaired: boolean
}

export interface ParsedAnswer {
  /** In the answer's order, at most 100; whoever validates them decides which one counts. */
  readonly values: readonly AnswerValue[]
  /** The largest stretch that looks like JSON and is none, as one line that can be shown to the model. Without values it is always there. */
  readonly fault: { readonly message: string; readonly length: number } | null
}

type Unread = ReadValue & { readonly ok: false }

const mostValues = 100
const bracket = /[{[]/g
const thoughtTag = /<(\/?)(?:think|thinking|thought|reasoning)>/gi

/** Other work waits no longer than this for the reading of an answer, and for one `JSON.parse`. */
const longestStretchMs = 20

/**
 * Finds the JSON of an answer that ended by itself: plain, in a code fence, in prose, after a `<think>` block, in the notations that
 * `readValue` knows. Nothing is added to what the answer says: brackets are never closed, because a quarter of cut-off answers would become
 * wrong but valid data. Takes time linear in the text.
 */
export async function parseAnswer(text: string): Promise<ParsedAnswer> {
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (trimmed === '') return failed('the answer is empty; answer with one JSON object')
  const pace = createPace()
  const plain = await readPlain(trimmed, pace)
  if (plain !== null) {
    if (!plain.ok) return failed(notJson(trimmed, plain), trimmed.length)
    const whole = { value: plain.value, length: trimmed.length, repaired: false }
    return { values: [whole, ...(await valuesInString(plain.value, pace))], fault: null }
  }
  const content = insideFence(withoutThoughts(trimmed))
  if (content === '') return failed('the answer has no JSON outside of its <think> block')
  const only = await readOnlyValue(content, pace)
  if (only !== null) return { values: [{ ...only, repaired: true }], fault: null }
  const found = await search(content, pace)
  if (found.values.length > 0 || !hasEscapedQuotes(content)) return found
  const unescaped = unescape(content)
  return unescaped === null ? found : search(unescaped, pace)
}

function createPace(): Pace {
  let steps = 0
  let since = performance.now()
  return {
    isDue: () => (steps += 1) % 64 === 0 && performance.now() - since > longestStretchMs,
    async pause() {
      await setImmediate()
      since = performance.now()
    },
  }
}

function failed(message: string, length = 0): ParsedAnswer {
  return { values: [], fault: { message, length } }
}

/** The fast path: JSON as it is, which `JSON.parse` reads, unless it would silently change something. Null: not JSON. */
async function readPlain(text: string, pace: Pace): Promise<ReadValue | null> {
  const scan = scanText(text)
  if (scan === null) return null
  if (scan.values > mostAnswerValues) return readValue(text, 0, 'same-kind', pace)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (text.length > 1_000_000) await pace.pause()
  // A key that is given twice is there once.
  if (!scan.isDoubtful && scan.keys === countKeys(value)) return { ok: true, value, end: text.length, repaired: false }
  return readValue(text, 0, 'same-kind', pace)
}

interface TextScan {
  readonly keys: number
  readonly values: number
  /** A number may be rounded, or the depth is beyond the limit. */
  readonly isDoubtful: boolean
}

/** Counts what is outside of strings. Null: a string does not end. */
function scanText(text: string): TextScan | null {
  let keys = 0
  let values = 1
  let depth = 0
  let digits = 0
  let isDoubtful = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code >= 48 && code <= 57) {
      digits += 1
      if (digits > 15) isDoubtful = true
      continue
    }
    // An exponent may make a number infinite.
    if (digits > 0 && (code === 69 || code === 101)) isDoubtful = true
    digits = 0
    if (code === 34) {
      at = endOfString(text, at)
      if (at === -1) return null
    } else if (code === 58) keys += 1
    else if (code === 44) values += 1
    else if (code === 123 || code === 91) {
      depth += 1
      if (depth > deepestAnswer) isDoubtful = true
    } else if (code === 125 || code === 93) depth -= 1
  }
  return { keys, values, isDoubtful }
}

/** The value of a text that has one and nothing else but prose without brackets around it. */
async function readOnlyValue(text: string, pace: Pace): Promise<Omit<AnswerValue, 'repaired'> | null> {
  const start = nextBracket(text, 0)
  if (start === -1 || /^['"“‘`]/.test(text)) {
    const whole = await readByBothRules(text, 0, pace)
    return whole.ok && text.slice(whole.end).trim() === '' ? { value: whole.value, length: text.length } : null
  }
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']')) + 1
  if (end <= start || nextBracket(text, end) !== -1) return null
  const plain = await readPlain(text.slice(start, end), pace)
  return plain?.ok === true ? { value: plain.value, length: end - start } : null
}

/** Of the string that opens at `start`: the index of its closing quote. */
function endOfString(text: string, start: number): number {
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

function countKeys(value: unknown): number {
  let count = 0
  const open: unknown[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue
    const inner: unknown[] = Object.values(next)
    if (!Array.isArray(next)) count += inner.length
    for (const one of inner) if (typeof one === 'object') open.push(one)
  }
  return count
}

/** An answer that is one JSON string may hold the JSON that was asked for. */
async function valuesInString(value: unknown, pace: Pace): Promise<readonly AnswerValue[]> {
  const isQuoted = typeof value === 'string' && /^\s*[{[]/.test(value)
  return isQuoted ? (await search(value, pace)).values : []
}

/** The text outside of `<think>` blocks, whose objects are drafts. The opening tag may be missing: some servers send only what follows it. */
function withoutThoughts(text: string): string {
  if (/^[{[]/.test(text)) return text
  let start = 0
  let end = text.length
  for (const tag of text.matchAll(thoughtTag)) {
    if (tag[1] === '/') {
      start = tag.index + tag[0].length
      end = text.length
    } else if (end === text.length) end = tag.index
  }
  return text.slice(start, end).trim()
}

/** What is in the code fence, where the text is nothing but one. */
function insideFence(text: string): string {
  if (!text.startsWith('```') || !text.endsWith('```') || text.length < 6) return text
  const line = text.indexOf('\n')
  const content = line === -1 ? text.slice(3, -3).replace(/^json\b/i, '') : text.slice(line + 1, -3)
  return content.trim()
}

async function search(text: string, pace: Pace): Promise<ParsedAnswer> {
  const values: AnswerValue[] = []
  const isCurly = hasCurlyQuotes(text)
  let largest: { read: Unread; length: number } | null = null
  let last: 'value' | 'fault' = 'value'
  for (let start = nextBracket(text, 0); start !== -1;) {
    const found = await (isCurly ? readByBothRules(text, start, pace) : readValue(text, start, 'same-kind', pace))
    if (pace.isDue()) await pace.pause()
    let next: number
    if (found.ok) {
      if (values.length === mostValues)
        return failed(`the answer has more than ${mostValues} JSON values; answer with one`)
      values.push({ value: found.value, length: found.end - start, repaired: true })
      last = 'value'
      next = found.end
    } else if (found.kind === 'no-json') next = Math.max(start + 1, found.at)
    else {
      // What is inside a value with a fault is not the answer: objects in it are parts of one.
      const end = found.kind === 'cut-off' ? -1 : endOfBroken(text, start)
      const length = (end === -1 ? text.length : end) - start
      if (largest === null || length > largest.length) largest = { read: found, length }
      last = 'fault'
      if (end === -1) break
      next = end
    }
    start = nextBracket(text, next)
  }
  if (largest === null) {
    return values.length > 0
      ? { values, fault: null }
      : failed('there is no JSON in the answer; answer with one JSON object')
  }
  const fault = { message: notJson(text, largest.read), length: largest.length }
  // After a draft, the one with the fault is the answer.
  return { values: last === 'fault' ? [] : values, fault }
}

function nextBracket(text: string, from: number): number {
  bracket.lastIndex = from
  return bracket.exec(text)?.index ?? -1
}

/** By both rules for quotes, which can differ where quotes are curly; two readings are as bad as none. */
async function readByBothRules(text: string, start: number, pace: Pace): Promise<ReadValue> {
  const same = await readValue(text, start, 'same-kind', pace)
  if (same.ok ? !same.repaired : same.kind === 'no-json') return same
  const any = await readValue(text, start, 'any-kind', pace)
  if (!any.ok) return same
  if (!same.ok) return any
  if (same.end === any.end && JSON.stringify(same.value) === JSON.stringify(any.value)) return same
  const problem = 'its quotes can be read in two ways; write every string in straight double quotes'
  return { ok: false, at: start, kind: 'broken', problem }
}

/** The end of the stretch in brackets, where it does not depend on what is taken for a string; -1 where that is not certain. */
function endOfBroken(text: string, start: number): number {
  const [all, outsideStrings] = [closingBracket(text, start, false), closingBracket(text, start, true)]
  return all === outsideStrings ? all : -1
}

function closingBracket(text: string, start: number, skipsStrings: boolean): number {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"' && skipsStrings) {
      at = endOfString(text, at)
      if (at === -1) return -1
    } else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return -1
}

function hasEscapedQuotes(text: string): boolean {
  return text.includes('\\"') && /[{[](?:\s|\\n){0,20}\\"/.test(text)
}

/** A whole answer with escaped quotes, as `{\"a\": 1}`. */
function unescape(text: string): string | null {
  try {
    return JSON.parse(`"${text.replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`) as string
  } catch {
    return null
  }
}

function notJson(text: string, { at, problem }: Unread): string {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const column = at - before.lastIndexOf('\n')
  const near = before.slice(Math.max(before.lastIndexOf('\n') + 1, at - 30)).trim()
  return `the answer is not valid JSON: ${problem} (line ${line}, column ${column}${near === '' ? '' : `, after ${near}`})`
}
