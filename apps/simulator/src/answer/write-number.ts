import { type Candidate, matchAll, nearest } from './candidate.ts'
import { createScore } from './cues.ts'
import type { Facts } from './facts.ts'
import type { JsonSchema } from './shape.ts'
import { patternOf, type Words } from './words.ts'
import type { Effort, Given, Writer } from './writer.ts'

type Kind = 'age' | 'money' | 'year' | 'percentage' | 'rating' | 'feeling' | 'quantity' | 'number'

const byName: readonly (readonly [Kind, RegExp])[] = [
  ['age', /\bage\b/],
  ['year', /\byear\b(?!s)/],
  ['percentage', /\bpercent(?:age)?\b|\bpct\b|\brate\b/],
  ['quantity', /\b(?:quantity|qty|count|pieces?)\b|\bnumber of\b|^units?$/],
  ['feeling', /\b(?:sentiment|polarity)\b/],
  ['rating', /\b(?:rating|stars|score|grade)\b/],
  ['money', /\b(?:price|amount|cost|total|subtotal|fee|salary|budget|payment|revenue|balance|paid|sum|refund|discount|tax|income|fare|rent|worth|spend|debt|fine|deposit|wage|profit|turnover|money|usd|eur)s?\b/],
] // prettier-ignore
const byDescription: readonly (readonly [Kind, RegExp])[] = [
  ['age', /\bage\b|how old/i],
  ['percentage', /\bper ?cent/i],
  ['money', /\b(?:money|price|cost|dollars?|euros?|usd|eur|currency)\b/i],
]
const percent = /-?\d+(?:\.\d+)?(?=\s?(?:%|per ?cent))/gi
const rated = /\d+(?:\.\d+)?(?=\s?(?:\/\s?\d|out of|stars?\b))/gi
const positive = createScore('positive')
const negative = createScore('negative')

export function createNumberWriter({ schema, words, nullable }: Given, type: 'number' | 'integer'): Writer {
  const kind = isFeeling(schema, words) ? 'feeling' : kindOf(words)
  const fit = createFit(schema, type)
  const units = patternOf(/\b(?:in|of) (\p{L}+)/iu.exec(words.description)?.slice(1) ?? [])
  const find = (facts: Facts, effort: Effort): number | undefined => {
    const own = ofKind(kind, facts, words)
    if (own !== undefined) return own
    const numbers = plainNumbers(facts)
    const near = nearest(facts.text, words.inText, numbers) ?? nearest(facts.text, units, numbers)
    return near?.value ?? (effort === 'guess' ? numbers[0]?.value : undefined)
  }
  const findFitting = (facts: Facts, effort: Effort) => {
    const found = find(facts, effort)
    if (found === undefined) return undefined
    const fitting = fit(found)
    // A number out of bounds is about something else.
    return effort === 'sure' && Math.abs(fitting - found) > 1 ? undefined : fitting
  }
  return {
    nullable,
    find: findFitting,
    known: (facts) => (findFitting(facts, 'sure') === undefined ? 0 : 1),
    least: () => fit(0),
  }
}

/** All numbers of a kind, for lists of them. */
export function createAllNumbers({ schema, words }: Given, type: 'number' | 'integer'): (facts: Facts) => number[] {
  const kind = kindOf(words)
  const fit = createFit(schema, type)
  return (facts) => {
    if (kind === 'money' && facts.money.length > 0) return facts.money.map(({ value }) => fit(value.amount))
    if (kind === 'age' && facts.ages.length > 0) return facts.ages.map(({ value }) => fit(value))
    return plainNumbers(facts).map(({ value }) => fit(value))
  }
}

function kindOf({ name, description }: Words): Kind {
  const own =
    byName.find(([, pattern]) => pattern.test(name)) ?? byDescription.find(([, pattern]) => pattern.test(description))
  return own?.[0] ?? 'number'
}

/** Scores from -1 to 1 are of moods. */
function isFeeling(schema: JsonSchema, { name }: Words): boolean {
  return /\bscore\b/.test(name) && typeof schema['minimum'] === 'number' && schema['minimum'] < 0
}

function ofKind(kind: Kind, facts: Facts, words: Words): number | undefined {
  const { text } = facts
  const choose = (candidates: readonly Candidate[]) => {
    const one = nearest(text, words.inText, candidates) ?? candidates[0]
    return one === undefined ? undefined : Number(one.value)
  }
  switch (kind) {
    case 'age':
      return facts.ages[0]?.value
    case 'money': {
      const { money } = facts
      const near = nearest(text, words.inText, money)?.value.amount
      if (near !== undefined || money.length === 0) return near
      return /\btotal\b/.test(words.name) ? Math.max(...money.map(({ value }) => value.amount)) : money[0]!.value.amount
    }
    case 'year':
      return choose(matchAll(text, /(?<![\d-])(?:1[5-9]|20)\d\d(?!\d|-\d{3})/g))
    case 'percentage':
      return choose(matchAll(text, percent))
    case 'rating':
      return choose(matchAll(text, rated))
    case 'quantity': {
      const counted = facts.numbers.filter(({ end }) => /^\s?(?:x\s|×|\p{L}{2,}|\()/u.test(text.slice(end, end + 4)))
      const dated = (one: Candidate<number>) => facts.moments.some(({ at, end }) => one.at < end && at < one.end)
      return counted.find((one) => !facts.money.some(({ at, end }) => one.at < end && at < one.end) && !dated(one))
        ?.value
    }
    case 'feeling': {
      const [good, bad] = [positive(text), negative(text)]
      return good + bad === 0 ? 0 : Number(((good - bad) / (good + bad)).toFixed(2))
    }
    case 'number':
      return undefined
    default:
      return kind satisfies never
  }
}

function plainNumbers(facts: Facts): Candidate<number>[] {
  const taken = [...facts.money, ...facts.codes]
  return facts.numbers.filter((one) => !taken.some(({ at, end }) => one.at < end && at < one.end))
}

function createFit(schema: JsonSchema, type: 'number' | 'integer'): (value: number) => number {
  const bound = (key: string, otherwise: number) => (typeof schema[key] === 'number' ? schema[key] : otherwise)
  const multiple = bound('multipleOf', type === 'integer' ? 1 : 0)
  const step = multiple > 0 ? multiple : 0
  const least = Math.max(bound('minimum', -Infinity), next(bound('exclusiveMinimum', -Infinity), step, 1))
  const most = Math.min(bound('maximum', Infinity), next(bound('exclusiveMaximum', Infinity), step, -1))
  return (value) => {
    const within = Math.min(most, Math.max(least, value))
    if (step === 0) return within
    const rounded = clean(Math.round(within / step) * step)
    if (rounded < least) return clean(Math.ceil(least / step) * step)
    return rounded > most ? clean(Math.floor(most / step) * step) : rounded
  }
}

/** The next value beyond a limit that is itself excluded. */
function next(limit: number, step: number, direction: 1 | -1): number {
  if (!Number.isFinite(limit)) return limit
  if (step === 0) return limit + direction * Math.max(1e-9, Math.abs(limit) * 1e-9)
  const steps = limit / step
  return clean((direction === 1 ? Math.floor(steps) + 1 : Math.ceil(steps) - 1) * step)
}

function clean(value: number): number {
  return Number(value.toPrecision(15)) + 0
}
