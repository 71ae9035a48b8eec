import { createFacts, type Facts } from './facts.ts'
import { splitClauses, splitLines, splitSentences } from './sentences.ts'
import { type JsonSchema, shapeOf } from './shape.ts'
import { createWords, patternOf } from './words.ts'
import { createAllNumbers } from './write-number.ts'
import { createAllStrings } from './write-string.ts'
import { createAllValues } from './write-values.ts'
import { type Given, type MakeWriter, write, type Writer } from './writer.ts'

/** Enough for what texts list, and a bound for texts that are nothing but lists. */
const mostItems = 50

export function createArrayWriter({ schema, words, nullable }: Given, make: MakeWriter, root: JsonSchema): Writer {
  const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0
  const most = Math.min(
    typeof schema['maxItems'] === 'number' ? schema['maxItems'] : mostItems,
    Math.max(least, mostItems),
  )
  const item = make(schema['items'] ?? {}, { name: words.name, parent: words.parent })
  const all = createAll()
  const prefix = Array.isArray(schema['prefixItems'])
    ? schema['prefixItems'].map((one) => make(one, { name: words.name, parent: words.parent }))
    : []

  return {
    nullable,
    find(facts, effort) {
      const found = [...prefix.map((one) => write(one, facts)), ...distinct(all(facts))].slice(0, most)
      if (found.length === 0 && (effort === 'sure' || least > 0)) return undefined
      return fill(found)
    },
    known: (facts) => (all(facts).length > 0 ? 1 : 0),
    least: () => fill(prefix.map((one) => one.least())),
  }

  function fill(items: unknown[]): unknown[] {
    while (items.length < least) items.push(item.nullable ? null : item.least())
    return items
  }

  function createAll(): (facts: Facts) => unknown[] {
    const shape = shapeOf(schema['items'] ?? {}, root)
    const description = [shape.schema['description'], words.description].find((one) => typeof one === 'string') ?? ''
    const given: Given = {
      schema: shape.schema,
      words: createWords(words.name, description, words.parent),
      nullable: shape.nullable,
    }
    switch (shape.type) {
      case 'object':
      case 'choice':
        return (facts) => eachPart(facts, item)
      case 'string': {
        const strings = createAllStrings(given)
        const listed = patternOf(words.name.split(' '))
        const isFree = !['pattern', 'format', 'maxLength', 'minLength'].some((key) => key in shape.schema)
        return (facts) => {
          const list = isFree ? listNear(facts.text, listed) : []
          if (list.length > 1) return list
          const found = strings(facts).map(({ value }) => value)
          return found.length > 0 ? found : list
        }
      }
      case 'values': {
        const values = createAllValues(shape.values)
        return ({ text }) => values(text)
      }
      case 'number':
      case 'integer':
        return createAllNumbers(given, shape.type)
      case 'array':
      case 'boolean':
      case 'null':
      case 'any':
        return () => []
      default:
        return shape satisfies never
    }
  }
}

interface Part {
  readonly value: unknown
  readonly known: number
}

const finer = [splitLines, splitSentences, splitClauses]
/** A part that gives less than this share of what the best part gives is not an item. */
const leastKnown = 0.6

/** One object for each line, sentence or clause that holds one. */
function eachPart(facts: Facts, item: Writer): unknown[] {
  const parts = partsOf(facts, item, 0)
  const most = Math.max(...parts.map(({ known }) => known))
  return parts.filter(({ known }) => known >= most * leastKnown).map(({ value }) => value)
}

/** Splits a part further if the pieces give more. Scores are squared before they are added, so that one object is not split into two halves. */
function partsOf(facts: Facts, item: Writer, level: number): Part[] {
  const known = item.known(facts)
  const value = known === 0 ? undefined : item.find(facts, 'sure')
  const whole = value === undefined ? [] : [{ value, known }]
  const split = finer[level]
  if (split === undefined) return whole
  const texts = split(facts.text).slice(0, mostItems)
  if (texts.length <= 1) return partsOf(facts, item, level + 1)
  const parts = texts.flatMap((text) => partsOf(createFacts(text), item, level + 1))
  return worth(parts) > worth(whole) ? parts : whole
}

function worth(parts: readonly Part[]): number {
  return parts.reduce((sum, { known }) => sum + known ** 2, 0)
}

function listNear(text: string, name: RegExp | null): string[] {
  if (name === null) return []
  for (const match of text.matchAll(name)) {
    const after = text.slice(match.index + match[0].length, match.index + match[0].length + 300)
    const list = /^[^.:\n]{0,30}?(?::|\b(?:are|include[sd]?|including|such as|like|is|of|were)\b)\s*([^.\n]+)/i.exec(
      after,
    )?.[1]
    if (list !== undefined) return splitClauses(list).filter((part) => part.length <= 80)
  }
  return []
}

function distinct(items: unknown[]): unknown[] {
  const seen = new Set<string>()
  return items.filter((item) => {
    const text = JSON.stringify(item)
    return !seen.has(text) && seen.add(text)
  })
}
