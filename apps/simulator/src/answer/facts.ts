import * as chrono from 'chrono-node/en'
import { type Candidate, matchAll } from './candidate.ts'
import { type Grammar, readGrammar } from './grammar.ts'
import { findAges, findMoney, findNumbers, type Money } from './numbers.ts'
import { findNamedPeople } from './people.ts'
import { splitSentences } from './sentences.ts'

export interface Moment {
  readonly date: Date
  /** Day, month and year, or time, are in the text and not guessed. */
  readonly exact: boolean
  readonly text: string
}

/** What a text contains. Each kind is searched when it is needed first. */
export interface Facts {
  readonly text: string
  readonly sentences: readonly string[]
  readonly emails: readonly Candidate[]
  readonly phones: readonly Candidate[]
  readonly urls: readonly Candidate[]
  /** Codes with a digit, such as A-48213 or INV2024. */
  readonly codes: readonly Candidate[]
  readonly money: readonly Candidate<Money>[]
  readonly numbers: readonly Candidate<number>[]
  readonly ages: readonly Candidate<number>[]
  readonly moments: readonly Candidate<Moment>[]
  /** Found without grammar; enough for most. */
  readonly namedPeople: readonly Candidate[]
  readonly grammar: Grammar
}

const email = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/giu
const phone =
  /(?<![\w.-])(?:\+\d{1,3}[\s./-]?)?(?:\(\d{1,5}\)[\s./-]?)?\d{2,5}(?:[\s./-]\d{2,8}){1,4}(?![\w-])|(?<!\w)\+?\d{9,14}(?!\w)/g
const url = /\b(?:https?:\/\/|www\.)[^\s<>"')\]]+[^\s<>"')\].,;!?]/gi
const code =
  /(?<![\p{L}\p{N}@.])#?(?=[\p{L}\p{N}-]*\d)(?:\p{Lu}[\p{Lu}\d]*(?:[-_/][\p{Lu}\d]+)*|\d+(?:[-_/][\p{Lu}\d]+)+)(?![\p{L}\p{N}@]|[.,]\d)/gu

/** Of longer texts the start and the end are read. */
const mostRead = { start: 16_000, end: 4_000 }
/** Rules look back from each letter: of 100,000 without a space one took 12 s. */
const unbroken = /\S{200,}|\s{50,}/g

export function createFacts(text: string): Facts {
  const { start, end } = mostRead
  const read = text.length <= start + end ? text : `${wholeStart(text.slice(0, start))}\n${wholeEnd(text.slice(-end))}`
  return new LazyFacts(read.replace(unbroken, (run) => run.slice(0, 100)).toWellFormed())
}

/** Without a sentence that is cut off at the end, unless it is a long one. */
function wholeStart(text: string): string {
  return /^[^]*[.!?]\s(?=[^]{0,1000}$)/.exec(text)?.[0] ?? text
}

function wholeEnd(text: string): string {
  return text.replace(/^[^]{0,1000}?[.!?]\s+/, '')
}

/** Getters on a prototype that replace themselves: closures for each call would cost more than most answers. */
class LazyFacts implements Facts {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get sentences() {
    return this.#keep('sentences', splitSentences(this.text))
  }
  get emails() {
    return this.#keep('emails', matchAll(this.text, email))
  }
  get phones() {
    return this.#keep(
      'phones',
      matchAll(this.text, phone).filter(({ value }) => /(?:\d\D*){7}/.test(value) && !/^\d{4}-\d\d-\d\d/.test(value)),
    )
  }
  get urls() {
    return this.#keep('urls', matchAll(this.text, url))
  }
  get codes() {
    return this.#keep('codes', matchAll(this.text, code))
  }
  get money() {
    return this.#keep('money', findMoney(this.text))
  }
  get numbers() {
    return this.#keep('numbers', findNumbers(this.text))
  }
  get ages() {
    return this.#keep('ages', findAges(this.text))
  }
  get moments() {
    const results = chrono.parse(this.text)
    const moments = results.map(({ start, index, text }) => ({
      value: {
        date: start.date(),
        exact: start.isCertain('day') || start.isCertain('weekday') || start.isCertain('hour'),
        text,
      },
      at: index,
      end: index + text.length,
    }))
    return this.#keep('moments', moments)
  }
  get namedPeople() {
    return this.#keep('namedPeople', findNamedPeople(this.text))
  }
  get grammar() {
    return this.#keep('grammar', readGrammar(this.text))
  }

  #keep<Value>(name: keyof Facts, value: Value): Value {
    Object.defineProperty(this, name, { value })
    return value
  }
}
