import { isNode, own, type SchemaNode } from './subschemas.ts'

/** The rules that a schema is written by. OpenAPI 3.0 is a variant of draft-04 with more keywords. */
export type Dialect = 'draft-04' | 'draft-06' | 'draft-07' | '2019-09' | '2020-12' | 'openapi-3.0'

const named: readonly (readonly [RegExp, Dialect])[] = [
  [/^https?:\/\/json-schema\.org\/(?:draft\/2020-12|v1)\/schema#?$/, '2020-12'],
  [/^https?:\/\/json-schema\.org\/draft\/2019-09\/(?:hyper-)?schema#?$/, '2019-09'],
  [/^https?:\/\/json-schema\.org\/draft-0?7\/(?:hyper-)?schema\/?#?\/?$/, 'draft-07'],
  [/^https?:\/\/json-schema\.org\/draft-0?6\/(?:hyper-)?schema\/?#?\/?$/, 'draft-06'],
  [/^https?:\/\/json-schema\.org\/draft-0?[45]\/(?:hyper-)?schema\/?#?\/?$/, 'draft-04'],
  [/^https:\/\/spec\.openapis\.org\/oas\/3\.[1-9]\/(?:dialect|schema)\//, '2020-12'],
]

/** "The latest", whichever that was when the schema was written. */
const latest = /^https?:\/\/json-schema\.org\/(?:hyper-)?schema\/?#?$/

export const dialectNames = '2020-12, 2019-09, draft-07, draft-06, draft-04'

/** The dialect that `$schema` names; undefined without one, null for one that is not known. */
export function namedDialect(schema: SchemaNode): Dialect | null | undefined {
  const name = own(schema, '$schema')
  if (name === undefined) return undefined
  if (typeof name !== 'string') return null
  if (latest.test(name)) return undefined
  return named.find(([form]) => form.test(name.trim()))?.[1] ?? null
}

/** What only one dialect has; the first that is found decides. */
interface Signs {
  newest: boolean
  openApi: boolean
  draft04: boolean
  draft07: boolean
}

/**
 * The dialect of a schema that names none, by keywords that only one dialect has. Without a sign it is 2020-12.
 * Looks at all objects, whatever they mean: only values that are signs as keywords count.
 */
export function guessDialect(schema: SchemaNode): Dialect {
  const signs: Signs = { newest: false, openApi: false, draft04: false, draft07: false }
  const open: { value: unknown; isMap: boolean }[] = [{ value: schema, isMap: false }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, isMap } = next
    if (Array.isArray(value)) for (const inner of value) open.push({ value: inner, isMap: false })
    if (!isNode(value)) continue
    if (!isMap) readSigns(value, signs)
    for (const [key, inner] of Object.entries(value)) {
      if (!isMap && data.has(key)) continue
      open.push({ value: inner, isMap: !isMap && maps.has(key) })
    }
  }
  if (signs.openApi) return 'openapi-3.0'
  if (signs.draft04) return 'draft-04'
  if (signs.newest) return '2020-12'
  return signs.draft07 ? 'draft-07' : '2020-12'
}

/** Their keys are names of the author's. */
const maps = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
  'dependentRequired',
])
const data = new Set(['enum', 'const', 'default', 'examples', 'example'])
const newest = [
  '$defs',
  'prefixItems',
  'dependentSchemas',
  'dependentRequired',
  'unevaluatedProperties',
  'unevaluatedItems',
  '$anchor',
  '$dynamicRef',
]

function readSigns(node: SchemaNode, signs: Signs): void {
  if (newest.some((keyword) => Object.hasOwn(node, keyword))) signs.newest = true
  if (own(node, 'nullable') === true) signs.openApi = true
  const reference = own(node, '$ref')
  if (typeof reference === 'string' && reference.startsWith('#/components/schemas/')) signs.openApi = true
  if (typeof own(node, 'exclusiveMinimum') === 'boolean' || typeof own(node, 'exclusiveMaximum') === 'boolean')
    signs.draft04 = true
  if (Array.isArray(own(node, 'items')) || Object.hasOwn(node, 'additionalItems') || isNode(own(node, 'dependencies')))
    signs.draft07 = true
}
