import { isAnnotation, keywordsOf } from './keywords.ts'
import type { SchemaIssue } from './schema-issue.ts'
import { escapePointer, isNode, type SchemaNode } from './subschemas.ts'
import type { Dialect } from './dialect.ts'

/** They name or hold schemas, or describe; none of them makes a value invalid. */
const silent = new Set(
  'title description default examples $schema $id id $comment $anchor $dynamicAnchor $recursiveAnchor $vocabulary $defs definitions components deprecated readOnly writeOnly'.split(
    ' ',
  ),
)
const newest = keywordsOf('2020-12')
/** What describes a schema, where one is expected around the actual one. */
const schemaSigns = ['type', 'properties', '$ref', 'anyOf', 'oneOf', 'allOf', 'enum']

/**
 * Refuses a document that is no schema: the definition of a tool around one, a whole OpenAPI document, an example of the answer. All of its
 * keywords are unknown, and unknown keywords are not checked: every answer would be valid.
 */
export function foreignRoot(schema: SchemaNode, dialect: Dialect): SchemaIssue | null {
  const keywords = keywordsOf(dialect)
  const foreign: string[] = []
  for (const keyword of Object.keys(schema)) {
    if (silent.has(keyword) || isAnnotation(keyword)) continue
    if (Object.hasOwn(keywords, keyword) || Object.hasOwn(newest, keyword)) return null
    foreign.push(keyword)
  }
  if (foreign.length === 0) return null
  if (foreign.includes('openapi') || foreign.includes('swagger'))
    return {
      pointer: '',
      message:
        "is an OpenAPI document and not a schema; write {$ref: '#/components/schemas/Name', components: {...}} with the schemas of the document",
    }
  const inner = foreign.find((keyword) => holdsSchema(schema[keyword]))
  if (inner !== undefined)
    return {
      pointer: `/${escapePointer(inner)}`,
      message: `holds the schema, and the rest is not part of JSON Schema; send only what is inside of ${inner}`,
    }
  const shown = foreign.slice(0, 3).map((keyword) => JSON.stringify(keyword))
  return {
    pointer: '',
    message: `has no keyword of JSON Schema (${shown.join(', ')} ${shown.length === 1 ? 'is' : 'are'} none), so any answer would be valid; write {type: 'object', properties: {...}}`,
  }
}

function holdsSchema(value: unknown): boolean {
  return isNode(value) && schemaSigns.some((keyword) => Object.hasOwn(value, keyword))
}
