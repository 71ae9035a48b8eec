import { isDeepStrictEqual } from 'node:util'
import { createBudget, TooMuchWorkError } from './budget.ts'
import { canonical } from './canonical.ts'
import { compilePattern, patternProblem } from './pattern.ts'
import { isNode, own, type SchemaNode } from './subschemas.ts'

/** Whether a value has the type, is one of the values and is in the bounds that a schema names; other keywords are not looked at. */
export function fitsScalar(schema: SchemaNode, value: unknown): boolean {
  const type = own(schema, 'type')
  if (type !== undefined && !(Array.isArray(type) ? type.some((one) => isOfType(value, one)) : isOfType(value, type)))
    return false
  const values = own(schema, 'enum')
  if (Array.isArray(values) && !isListed(values, value)) return false
  if (Object.hasOwn(schema, 'const') && !isDeepStrictEqual(schema['const'], value)) return false
  if (typeof value === 'number') return isInBounds(schema, value)
  return typeof value === 'string' ? isTextInBounds(schema, value) : true
}

function isOfType(value: unknown, type: unknown): boolean {
  if (value === null) return type === 'null'
  if (Array.isArray(value)) return type === 'array'
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function isInBounds(schema: SchemaNode, value: number): boolean {
  const bound = (keyword: string, none: number) => {
    const given = schema[keyword]
    return typeof given === 'number' ? given : none
  }
  return (
    value >= bound('minimum', -Infinity) &&
    value <= bound('maximum', Infinity) &&
    value > bound('exclusiveMinimum', -Infinity) &&
    value < bound('exclusiveMaximum', Infinity)
  )
}

function isTextInBounds(schema: SchemaNode, value: string): boolean {
  const { minLength: least, maxLength: most, pattern } = schema
  // Half of the UTF-16 units is the least number of characters.
  if (typeof least === 'number' && value.length < least) return false
  if (typeof most === 'number' && value.length / 2 > most) return false
  return typeof pattern !== 'string' || mayMatch(pattern, value)
}

const keysOfLists = new WeakMap<readonly unknown[], ReadonlySet<string>>()
const mostValueSteps = 20_000

/** By an index: 10,000 items of an enum of 10,000 values would be 100 million comparisons. A value that is too large to compare may be listed. */
function isListed(values: readonly unknown[], value: unknown): boolean {
  let keys = keysOfLists.get(values)
  if (keys === undefined) {
    const unbounded = createBudget(Number.POSITIVE_INFINITY)
    keys = new Set(values.map((one) => canonical(one, unbounded)))
    keysOfLists.set(values, keys)
  }
  try {
    return keys.has(canonical(value, createBudget(mostValueSteps)))
  } catch (error) {
    if (error instanceof TooMuchWorkError) return true
    throw error
  }
}

/** A pattern that cannot be run, or only with much work, is left to the validation. */
function mayMatch(pattern: string, value: string): boolean {
  if (patternProblem(pattern) !== null) return true
  try {
    return compilePattern(pattern).test(value, createBudget(mostPatternSteps))
  } catch (error) {
    if (error instanceof TooMuchWorkError) return true
    throw error
  }
}

const mostPatternSteps = 20_000

export type Tag = readonly [string, SchemaNode]

/** The properties with fixed values, such as `kind: const`. */
export function tagsOf(schema: SchemaNode): readonly Tag[] {
  const properties = own(schema, 'properties')
  return Object.entries(isNode(properties) ? properties : {}).filter(
    (entry): entry is [string, SchemaNode] =>
      isNode(entry[1]) && (Object.hasOwn(entry[1], 'const') || Object.hasOwn(entry[1], 'enum')),
  )
}

/** Whether these properties have their values. This is enough to find the form of most unions. */
export function fitsTags(tags: readonly Tag[], value: object): boolean {
  return tags.every(([name, property]) => {
    const tag = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
    // Null may mean an absent property.
    return tag === undefined || tag === null || fitsScalar(property, tag)
  })
}
