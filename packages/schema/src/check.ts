import { LRUCache } from 'lru-cache'
import { foreignRoot } from './foreign-root.ts'
import { longestInPlace } from './in-place.ts'
import { mostSubschemas, normalise, type Normalised } from './normalise.ts'
import { mostPatternStates } from './pattern-check.ts'
import { compileRules, type Rule } from './program.ts'
import { unsatisfiablePart } from './satisfiable.ts'
import { type SchemaIssue, SchemaIssueError } from './schema-issue.ts'
import { escapePointer, isNode, type SchemaNode } from './subschemas.ts'

/** Bounds that keep the work with a schema below 100 ms. Of 2,100 schemas that packages bring along, one is larger. */
export const schemaLimits = {
  bytes: 524_288,
  levels: 100,
  values: 200_000,
  subschemas: mostSubschemas,
  patternStates: mostPatternStates,
  inPlace: 200,
  warnings: 20,
} as const

export type SchemaCheck =
  | {
      readonly ok: true
      /** JSON Schema 2020-12, references as `#/...` only: what the answer is asked for by, and validated by. */
      readonly schema: SchemaNode
      readonly dialect: Normalised['dialect']
      readonly warnings: readonly SchemaIssue[]
    }
  | ({ readonly ok: false } & SchemaIssue)

const kept = new LRUCache<string, SchemaCheck>({
  maxSize: 8 * 1024 * 1024,
  sizeCalculation: (_, text) => text.length * 2 + 1_000,
})

/** Whether a JSON Schema can be an extractor's schema: valid by its dialect, bounded, closed in itself, and satisfiable. */
export function checkSchema(schema: unknown): SchemaCheck {
  if (!isNode(schema)) return refusal('', "must be a JSON Schema object, as in {type: 'object', properties: {...}}")
  // Before anything that recurses looks at it.
  const shape = shapeIssue(schema)
  if (shape !== null) return { ok: false, ...shape }
  const text = JSON.stringify(schema)
  if (text.length > schemaLimits.bytes) return refusal('', `must be at most ${schemaLimits.bytes} characters of JSON`)
  let result = kept.get(text)
  if (result === undefined) {
    result = check(schema)
    kept.set(text, result)
  }
  return result
}

function check(schema: SchemaNode): SchemaCheck {
  try {
    const normalised = normalise(schema)
    const { origins, dialect } = normalised
    const foreign = foreignRoot(schema, dialect)
    if (foreign !== null) return { ok: false, ...foreign }
    const rules = compileRules(normalised.schema, { formats: 'assert' })
    const issue = rulesIssue(rules)
    if (issue !== null) return refusal(origins.get(issue.pointer) ?? '', issue.message)
    return { ok: true, schema: normalised.schema, dialect, warnings: cutWarnings(normalised.warnings) }
  } catch (error) {
    if (error instanceof SchemaIssueError) return refusal(error.pointer, error.message)
    if (error instanceof SyntaxError) return refusal('', error.message)
    throw error
  }
}

function refusal(pointer: string, message: string): SchemaCheck {
  return { ok: false, pointer, message }
}

/** A value that is still to be looked at, and the way to it. */
interface Open {
  readonly value: object
  readonly key: string
  readonly level: number
  readonly parent: Open | null
}

/** Levels, size and dangerous keys, without recursion. */
function shapeIssue(schema: SchemaNode): SchemaIssue | null {
  const open: Open[] = [{ value: schema, key: '', level: 1, parent: null }]
  let count = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, level } = next
    if (level > schemaLimits.levels)
      return {
        pointer: pointerOf(next).split('/').slice(0, 8).join('/'),
        message: `is nested more than ${schemaLimits.levels} levels deep`,
      }
    for (const [key, inner] of Object.entries(value)) {
      count += 1
      if (count > schemaLimits.values) return { pointer: '', message: `has more than ${schemaLimits.values} values` }
      if (key === '__proto__') return { pointer: `${pointerOf(next)}/${key}`, message: "must not be named '__proto__'" }
      if (typeof inner === 'object' && inner !== null)
        open.push({ value: inner as object, key, level: level + 1, parent: next })
    }
  }
  return null
}

function pointerOf(open: Open): string {
  const keys: string[] = []
  for (let at: Open = open; at.parent !== null; at = at.parent) keys.push(escapePointer(at.key))
  return keys
    .toReversed()
    .map((key) => `/${key}`)
    .join('')
}

function rulesIssue(rules: ReadonlyMap<string, Rule>): SchemaIssue | null {
  const { length, pointer } = longestInPlace(rules)
  if (length === Number.POSITIVE_INFINITY)
    return { pointer, message: 'has a $ref that leads back to itself without going into a property or an item' }
  if (length > schemaLimits.inPlace)
    return {
      pointer,
      message: `goes through more than ${schemaLimits.inPlace} schemas by $ref, allOf, anyOf and oneOf`,
    }
  const impossible = unsatisfiablePart(rules)
  return impossible === null ? null : { pointer: impossible, message: 'cannot be valid for any value' }
}

function cutWarnings(warnings: readonly SchemaIssue[]): SchemaIssue[] {
  const shown = warnings.slice(0, schemaLimits.warnings)
  const more = warnings.length - shown.length
  return more === 0 ? shown : [...shown, { pointer: '', message: `there are ${more} more warnings of these kinds` }]
}
