import { NotStrictError } from './strict-error.ts'
import { isNode, own, resolveLocal, type SchemaNode, subschemas } from './subschemas.ts'

/** Keywords that allow values which strict mode cannot express. */
const inexpressible = [
  'patternProperties',
  'unevaluatedItems',
  'prefixItems',
  'additionalItems',
  'dependencies',
  '$dynamicRef',
  '$recursiveRef',
  'extends',
  'disallow',
]
/** Beside a union they apply to each of its forms. */
const structural = ['properties', 'required', 'additionalProperties', 'unevaluatedProperties', 'items', 'enum', 'const']
const conditional = ['if', 'then', 'else', 'dependentSchemas', 'not']

export function refuseInexpressible(root: SchemaNode, schema: SchemaNode, pointer: string): void {
  for (const keyword of inexpressible)
    if (Object.hasOwn(schema, keyword)) throw new NotStrictError(pointer, `has ${keyword}`)
  for (const keyword of conditional) {
    if (!Object.hasOwn(schema, keyword)) continue
    const inner =
      keyword === 'dependentSchemas' && isNode(schema[keyword]) ? Object.values(schema[keyword]) : [schema[keyword]]
    if (inner.some((one) => namesProperties(root, one, new Set())))
      throw new NotStrictError(pointer, `has properties or required in ${keyword}`)
  }
}

/** Whether a schema says something about properties of the value itself. */
function namesProperties(root: SchemaNode, schema: unknown, seen: Set<unknown>): boolean {
  if (!isNode(schema) || seen.has(schema)) return false
  seen.add(schema)
  if (
    ['properties', 'required', 'additionalProperties', 'patternProperties'].some((keyword) =>
      Object.hasOwn(schema, keyword),
    )
  )
    return true
  const reference = own(schema, '$ref')
  if (typeof reference === 'string' && namesProperties(root, resolveLocal(root, reference), seen)) return true
  return [...subschemas(schema)].some(({ isInPlace, schema: inner }) => isInPlace && namesProperties(root, inner, seen))
}

/** A keyword beside a union that is about properties or values, and would have to go into each of its forms. */
export function keywordBesideUnion(schema: SchemaNode): string | undefined {
  return structural.find((keyword) => Object.hasOwn(schema, keyword) && !isEmpty(keyword, schema[keyword]))
}

/** `properties: {}` and `required: []` constrain nothing. */
function isEmpty(keyword: string, value: unknown): boolean {
  if (keyword === 'enum' || keyword === 'const') return false
  return Array.isArray(value) ? value.length === 0 : isNode(value) && Object.keys(value).length === 0
}
