import { isDeepStrictEqual } from 'node:util'
import { answerLimits } from './answer-limits.ts'
import { isExact } from './exact-number.ts'
import type { Pace } from './pace.ts'
import { opensString, type QuoteRule, readString } from './parse-answer-strings.ts'

export type ReadValue =
  | {
      readonly ok: true
      readonly value: unknown
      readonly end: number
      /** It is not JSON as it is: comments, quotes, commas or the like were read. */
      readonly repaired: boolean
    }
  | {
      readonly ok: false
      readonly at: number
      readonly problem: string
      /**
       * `cut-off`: the text ends before the value does. `no-json`: nothing but brackets and one bare word were read, so this is prose.
       * `broken`: JSON with a fault in it.
       */
      readonly kind: 'cut-off' | 'no-json' | 'broken'
    }

/** Also `\\n` outside of strings: the line breaks of an answer that was escaped, but not its quotes. */
const blank = /(?:[\s\u00a0\ufeff\u200b-\u200d\u2060]|\\[nrt])*/y
const jsonBlank = /^[ \t\r\n]*$/
const comment = /\/\/[^\n]*|\/\*[^]*?\*\/|#[^\n]*/y
/** A comment in the place of values. Without them the rest would be valid, and not what was found. */
const leftOut =
  /\.\.\.|…|\b(?:etc|omitted|truncated|snip|snipped|elided|remaining|and so on|left out|continued|\d+ (?:more|others?)|more (?:items|entries|rows|elements|records|lines|objects|values|results)|(?:rest|others?) (?:of|are|follow|items|entries))\b/i
const numeral = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const word = /[\p{L}_$][\p{L}\p{N}_$-]*/uy
const backslash = 92
const afterNumeral = /[\p{L}\p{N}_.%$€£'’]/u

const literals: Readonly<Record<string, boolean | null>> = {
  true: true,
  false: false,
  null: null,
  True: true,
  False: false,
  None: null,
}
const jsonLiterals: ReadonlySet<string> = new Set(['true', 'false', 'null'])

type Frame =
  | { readonly kind: 'object'; readonly value: Record<string, unknown>; key: string; keys: number }
  | { readonly kind: 'array'; readonly value: unknown[] }

/**
 * Reads one JSON value at `start` that may have comments, trailing commas, other quotes, bare keys, raw line breaks in strings, or Python's
 * literals. It never adds anything: a missing comma, quote or bracket, a number in another notation, an unknown escape, and a key that is
 * given twice with different values are faults. Linear in the text, and without recursion. `pause` is awaited whenever `isDue` says so.
 */
export async function readValue(text: string, start: number, rule: QuoteRule, pace: Pace): Promise<ReadValue> {
  const reader = new Reader(text, start, rule)
  while (!reader.step()) if (pace.isDue()) await pace.pause()
  const { failure } = reader
  if (failure === null) return { ok: true, value: reader.value, end: reader.at, repaired: reader.repaired }
  const { at, problem } = failure
  if (at >= text.length)
    return { ok: false, at: text.length, problem: 'it ends before it is complete', kind: 'cut-off' }
  if (!reader.sawContent) return { ok: false, at, problem, kind: 'no-json' }
  return {
    ok: false,
    at,
    problem: problem.startsWith('expected') ? `${problem} but found ${found(text, at)}` : problem,
    kind: 'broken',
  }
}

/** One value of a text. Thrown errors would cost 10 µs each in a text of many brackets, so a failure is kept and the work goes no further. */
class Reader {
  at: number
  value: unknown
  repaired = false
  /** A value or a key with its colon was read. */
  sawContent = false
  failure: { readonly at: number; readonly problem: string } | null = null
  readonly #text: string
  readonly #rule: QuoteRule
  readonly #frames: Frame[] = []
  #count = 0
  #wideKeys = 0
  #comments = 0

  constructor(text: string, start: number, rule: QuoteRule) {
    this.#text = text
    this.at = start
    this.#rule = rule
  }

  /** Reads up to the end of the next scalar or into the next object or list. Returns whether the value is complete or has failed. */
  step(): boolean {
    this.#skipBlank()
    const opening = this.#peek()
    if (opening === '{' || opening === '[') {
      const frame = this.#open(opening)
      this.#skipBlank()
      if (this.#peek() !== closerOf(frame)) {
        if (frame.kind === 'object') this.#readKey(frame)
        return this.failure !== null
      }
      this.#close()
      this.value = frame.value
    } else this.value = this.#readScalar(opening)
    // The value is complete; with it perhaps the objects and lists around it.
    for (;;) {
      const frame = this.#frames.at(-1)
      if (this.failure !== null || frame === undefined) return true
      this.#put(frame, this.value)
      if (this.#goesOn(frame)) return this.failure !== null
      this.value = frame.value
    }
  }

  #open(opening: string): Frame {
    this.at += 1
    const frame: Frame =
      opening === '{' ? { kind: 'object', value: {}, key: '', keys: 0 } : { kind: 'array', value: [] }
    this.#frames.push(frame)
    if (this.#frames.length > answerLimits.levels) {
      this.sawContent = true
      this.#fail(`it is nested more than ${answerLimits.levels} levels deep`)
    }
    return frame
  }

  #close(): void {
    this.at += 1
    this.sawContent = true
    this.#frames.pop()
  }

  /** After a value: whether another one follows in the frame; its key is read. False: the frame is closed. */
  #goesOn(frame: Frame): boolean {
    this.#skipBlank()
    const closer = closerOf(frame)
    if (this.#takes(',', '，')) {
      this.#skipBlank()
      if (this.#peek() !== closer) {
        if (frame.kind === 'object') this.#readKey(frame)
        return true
      }
      this.repaired = true
    }
    if (this.#peek() === closer) this.#close()
    else this.#unexpected(`"," or "${closer}"`)
    return false
  }

  #readKey(frame: Frame & { kind: 'object' }): void {
    if (opensString(this.#peek())) {
      frame.key = this.#readString()
      this.sawContent = true
    } else {
      const name = this.#match(word)
      if (name === '') return this.#unexpected('a key')
      frame.key = name
      this.repaired = true
    }
    if (this.failure !== null) return undefined
    this.#skipBlank()
    if (!this.#takes(':', '：')) return this.#unexpected(`":" after the key ${JSON.stringify(frame.key)}`)
    this.sawContent = true
  }

  #put(frame: Frame, value: unknown): void {
    this.#count += 1
    if (this.#count > answerLimits.values) this.#fail(`it has more than ${answerLimits.values} values`)
    if (frame.kind === 'array') {
      frame.value.push(value)
      return
    }
    const { key } = frame
    if (!Object.hasOwn(frame.value, key)) {
      // Assigning to `__proto__` would set the prototype.
      if (key === '__proto__') {
        Object.defineProperty(frame.value, key, { value, enumerable: true, configurable: true, writable: true })
      } else frame.value[key] = value
      frame.keys += 1
      if (frame.keys > answerLimits.wideObject) this.#wideKeys += 1
      if (this.#wideKeys > answerLimits.wideKeys) this.#fail(`it has objects of too many keys; answer with fewer`)
    } else if (!isDeepStrictEqual(frame.value[key], value)) {
      this.#fail(`the key ${JSON.stringify(key)} is given twice with different values`)
    }
  }

  #readScalar(opening: string): unknown {
    if (opensString(opening)) {
      const value = this.#readString()
      this.sawContent = true
      return value
    }
    if (opening === '-' || (opening >= '0' && opening <= '9')) return this.#readNumber()
    const from = this.at
    const name = this.#match(word)
    if (!Object.hasOwn(literals, name)) {
      this.at = from
      this.#unexpected('a value')
      return undefined
    }
    if (!jsonLiterals.has(name)) this.repaired = true
    this.sawContent = true
    return literals[name]
  }

  #readNumber(): number {
    const from = this.at
    const source = this.#match(numeral)
    const value = Number(source)
    if (source === '' || afterNumeral.test(this.#text[this.at] ?? '')) {
      this.at = from
      this.#unexpected('a number as JSON writes it')
    } else if (!isExact(source, value)) {
      this.at = from
      this.sawContent = true
      const reason = Math.abs(value) < 2 ** 53 ? 'has too many digits' : 'is too large'
      this.#fail(`the number ${source.slice(0, 40)} ${reason} to be exact; write it as a string`)
    }
    this.sawContent = true
    return value
  }

  #readString(): string {
    const read = readString(this.#text, this.at, this.#rule)
    if (!read.ok) {
      this.at = read.at
      this.sawContent = true
      this.#fail(read.problem)
      return ''
    }
    if (!read.isPlain) this.repaired = true
    this.at = read.end
    return read.value
  }

  #skipBlank(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.at)
      if (code > 47 && code < 127 && code !== backslash) return
      const skipped = this.#match(blank)
      if (!this.repaired && !jsonBlank.test(skipped)) this.repaired = true
      const from = this.at
      const note = this.#match(comment)
      if (note === '') {
        // A comment that never ends.
        if (this.#text.startsWith('/*', this.at)) this.at = this.#text.length
        return
      }
      this.repaired = true
      this.#comments += 1
      if (this.#comments > answerLimits.comments) {
        this.sawContent = true
        this.#fail(`it has more than ${answerLimits.comments} comments`)
        return
      }
      if (leftOut.test(note)) {
        this.sawContent = true
        this.failure ??= { at: from, problem: 'a comment says that something is left out; write every value' }
      }
    }
  }

  /** The next character; empty at the end of the text. */
  #peek(): string {
    return this.#text.charAt(this.at)
  }

  /** Reads a separator, which Chinese and Japanese text has in a wide form. */
  #takes(separator: string, wide: string): boolean {
    const next = this.#peek()
    if (next !== separator && next !== wide) return false
    if (next === wide) this.repaired = true
    this.at += 1
    return true
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.at
    if (!pattern.test(this.#text)) return ''
    const from = this.at
    this.at = pattern.lastIndex
    return this.#text.slice(from, this.at)
  }

  #fail(problem: string): void {
    this.failure ??= { at: this.at, problem }
  }

  #unexpected(expected: string): void {
    this.#fail(`expected ${expected}`)
  }
}

function found(text: string, at: number): string {
  return JSON.stringify(/^(?:[\p{L}\p{N}_.,$%-]{1,20}|[^])?/u.exec(text.slice(at, at + 40))![0])
}

function closerOf(frame: Frame): string {
  return frame.kind === 'object' ? '}' : ']'
}
