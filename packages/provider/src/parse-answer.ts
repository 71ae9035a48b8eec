import { answerLimits } from './answer-limits.ts'
import { answerText, hasEscapedQuotes, hasThoughts, unescape, withoutThoughts } from './answer-text.ts'
import { endOfString, hasCurlyQuotes, readString } from './parse-answer-strings.ts'
import type { Pace } from './pace.ts'
import { type ReadValue, readValue } from './parse-answer-value.ts'
import { readPlain } from './plain-json.ts'

/** A JSON value of an answer. */
export interface AnswerValue {
  readonly value: unknown
  /** Characters of its text. */
  readonly length: number
  /** The answer was not that value as plain JSON: there was text around it, or it was written in another notation. */
  readonly repaired: boolean
}

export interface ParsedAnswer {
  /** In the answer's order, at most 100; validation decides which one counts. */
  readonly values: readonly AnswerValue[]
  /** The largest stretch that looks like JSON and is none, as one line that can be shown to the model. Without values it is always there. */
  readonly fault: { readonly message: string; readonly length: number } | null
}

type Unread = ReadValue & { readonly ok: false }

const mostValues = 100
const bracket = /[{[]/g
/** A JSON string that holds JSON. */
const quotedJson = /(?<!\\)"\s*[{[]\s*(?:\\n\s*)?\\"/
/** Strings in strings that are read: some models encode their answer two or three times. */
const mostEncodings = 3

/**
 * Finds the JSON of an answer that ended by itself: plain, in a code fence, in prose, after a `<think>` block, in the notations that
 * `readValue` knows. Nothing is added to what the answer says: brackets are never closed, because a quarter of cut-off answers would become
 * wrong but valid data. Takes time linear in the text.
 */
export async function parseAnswer(text: string, pace: Pace): Promise<ParsedAnswer> {
  const trimmed = text.replace(/^\uFEFF/, '').trim()
  if (trimmed === '') return failed('the answer is empty; answer with one JSON object')
  const plain = await readPlain(trimmed, pace)
  if (plain !== null) {
    if (!plain.ok) return failed(notJson(trimmed, plain), trimmed.length)
    const whole = { value: plain.value, length: trimmed.length, repaired: false }
    return { values: [whole, ...(await valuesInString(plain.value, pace))], fault: null }
  }
  if (trimmed.length > answerLimits.characters) {
    const most = answerLimits.characters.toLocaleString('en')
    return failed(`the answer has more than ${most} characters; answer with less`)
  }
  const content = await withoutLaterThoughts(answerText(trimmed), pace)
  await pace.afterLong(content)
  if (content === '') return failed('the answer has no JSON outside of its <think> block')
  const only = await readOnlyValue(content, pace)
  if (only !== null) {
    const whole = { ...only, repaired: true }
    return { values: [whole, ...(await valuesInString(only.value, pace))], fault: null }
  }
  const found = await search(content, pace)
  return found.values.length > 0 || !hasEscapedQuotes(content) ? found : ((await readEscaped(content, pace)) ?? found)
}

/** An answer that begins with its JSON, and thinks after it. */
async function withoutLaterThoughts(text: string, pace: Pace): Promise<string> {
  if (nextBracket(text, 0) !== 0 || !hasThoughts(text)) return text
  const first = await readByBothRules(text, 0, pace)
  return first.ok ? `${text.slice(0, first.end)}\n${withoutThoughts(text.slice(first.end))}` : text
}

/** JSON whose quotes are escaped: in a string of the answer, or as the whole answer. */
async function readEscaped(text: string, pace: Pace): Promise<ParsedAnswer | null> {
  const quoted = quotedJson.exec(text)
  if (quoted !== null) {
    const string = readString(text, quoted.index, 'same-kind')
    const values = string.ok ? await valuesInString(string.value, pace) : []
    if (values.length > 0) return { values, fault: null }
  }
  await pace.afterLong(text)
  const unescaped = unescape(text)
  await pace.afterLong(text)
  return unescaped === null ? null : search(unescaped, pace)
}

/** A string may hold the JSON that was asked for. */
async function valuesInString(value: unknown, pace: Pace): Promise<readonly AnswerValue[]> {
  let text = value
  for (let i = 0; i < mostEncodings && typeof text === 'string'; i += 1) {
    const inner = text.trim()
    if (/^[{[]/.test(inner)) return (await search(inner, pace)).values
    const plain = inner.startsWith('"') ? await readPlain(inner, pace) : null
    text = plain?.ok === true ? plain.value : null
  }
  return []
}

function failed(message: string, length = 0): ParsedAnswer {
  return { values: [], fault: { message, length } }
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
  await pace.afterLong(text)
  const asSame = JSON.stringify(same.value)
  await pace.afterLong(asSame)
  if (same.end === any.end && asSame === JSON.stringify(any.value)) return same
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

function notJson(text: string, { at, problem }: Unread): string {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const column = at - before.lastIndexOf('\n')
  const near = before.slice(Math.max(before.lastIndexOf('\n') + 1, at - 30)).trim()
  return `the answer is not valid JSON: ${problem} (line ${line}, column ${column}${near === '' ? '' : `, after ${near}`})`
}
