import type { Dialect } from './dialect.ts'
import { isSchema, keywordsOf } from './keywords.ts'
import { escapePointer, isNode, own, type SchemaNode } from './subschemas.ts'

export interface Child {
  readonly keyword: string
  /** Relative to its parent: `/properties/name`. */
  readonly pointer: string
  readonly schema: unknown
}

/** Before 2019-09, `$ref` turns off all keywords next to it, but a pointer can still refer to what they define. */
export function isReferenceOnly(node: SchemaNode, dialect: Dialect): boolean {
  return dialect !== '2019-09' && dialect !== '2020-12' && typeof own(node, '$ref') === 'string'
}

/** The schemas directly inside one, as its dialect says. */
export function* childrenOf(node: SchemaNode, dialect: Dialect): Generator<Child> {
  const keywords = keywordsOf(dialect)
  const onlyDefinitions = isReferenceOnly(node, dialect)
  for (const [keyword, value] of Object.entries(node)) {
    if (onlyDefinitions && keyword !== 'definitions') continue
    const shape = Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined
    if (shape === 'map' || shape === 'dependencies') {
      if (!isNode(value)) continue
      for (const [name, schema] of Object.entries(value))
        if (isSchema(schema)) yield { keyword, pointer: `/${keyword}/${escapePointer(name)}`, schema }
    } else if (shape === 'schemas' || (shape === 'items' && Array.isArray(value))) {
      if (!Array.isArray(value)) continue
      for (const [i, schema] of value.entries()) yield { keyword, pointer: `/${keyword}/${i}`, schema }
    } else if (shape === 'schema' || shape === 'items' || shape === 'additional') {
      yield { keyword, pointer: `/${keyword}`, schema: value }
    }
  }
}
