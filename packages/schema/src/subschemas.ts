/** Where a normalised schema (2020-12, with `definitions` as well as `$defs`) keeps schemas inside a schema. */
const inMap = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'] as const
const inList = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const
const alone = [
  'items',
  'additionalItems',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
] as const

/** Those that apply to the same value as the schema they stand in. */
const inPlace: ReadonlySet<string> = new Set([
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependentSchemas',
])
const onlyDefined: ReadonlySet<string> = new Set(['$defs', 'definitions'])

export type SchemaNode = Record<string, unknown>

export interface Subschema {
  readonly keyword: string
  /** Relative to the schema that it is part of: `/properties/name`. */
  readonly pointer: string
  readonly schema: unknown
  /** Applies to the same value as the schema that it is part of. */
  readonly isInPlace: boolean
  /** Applies only where a `$ref` names it. */
  readonly isDefinition: boolean
}

export function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schemas directly inside one; their values are whatever the author wrote there. */
export function* subschemas(node: SchemaNode): Generator<Subschema> {
  for (const keyword of inMap) {
    const map = own(node, keyword)
    if (!isNode(map)) continue
    for (const [name, schema] of Object.entries(map)) {
      yield found(keyword, `/${keyword}/${escapePointer(name)}`, schema)
    }
  }
  for (const keyword of inList) {
    const list = own(node, keyword)
    if (Array.isArray(list)) for (const [i, schema] of list.entries()) yield found(keyword, `/${keyword}/${i}`, schema)
  }
  for (const keyword of alone) {
    const schema = own(node, keyword)
    if (schema === undefined) continue
    // Before 2020-12: a list of schemas, one for each place.
    if (keyword === 'items' && Array.isArray(schema)) {
      for (const [i, item] of schema.entries()) yield found(keyword, `/items/${i}`, item)
    } else yield found(keyword, `/${keyword}`, schema)
  }
}

function found(keyword: string, pointer: string, schema: unknown): Subschema {
  return { keyword, pointer, schema, isInPlace: inPlace.has(keyword), isDefinition: onlyDefined.has(keyword) }
}

/** A key's value where the object has it itself: `constructor` and the like are not inherited. */
export function own(node: SchemaNode, key: string): unknown {
  return Object.hasOwn(node, key) ? node[key] : undefined
}

/** What a local reference (`#`, `#/$defs/name`) points at, through own keys only; undefined where there is nothing. */
export function resolveLocal(root: unknown, reference: string): unknown {
  if (!isLocal(reference)) return undefined
  let at = root
  for (const key of pointerKeys(resolvePointer(reference))) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}

/** The JSON pointer that a local reference names: `/$defs/a b` of `#/$defs/a%20b`. */
export function resolvePointer(reference: string): string {
  return decodeUri(reference.slice(1))
}

/** The keys on the way that a JSON pointer describes. */
export function pointerKeys(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function isLocal(reference: string): boolean {
  return reference === '#' || reference.startsWith('#/')
}

export function escapePointer(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key
}

function decodeUri(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
