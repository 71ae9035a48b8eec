import { isReferenceOnly } from './locations.ts'
import type { SchemaIssue } from './schema-issue.ts'
import { isNode, own, type SchemaNode } from './subschemas.ts'

/** `nullable` next to `allOf`, where OpenAPI 3.0 gives it no meaning, and generators write it for an optional reference. */
export function isNullableCombination(schema: SchemaNode): boolean {
  return (
    own(schema, 'nullable') === true &&
    !Object.hasOwn(schema, 'type') &&
    ['allOf', 'anyOf', 'oneOf'].some((keyword) => Object.hasOwn(schema, keyword))
  )
}

/** How each `nullable` of an OpenAPI 3.0 schema is read, if it may not mean what its author expects. */
export function nullableWarnings(
  places: ReadonlyMap<unknown, string>,
  origins: ReadonlyMap<string, string>,
): SchemaIssue[] {
  const warnings: SchemaIssue[] = []
  for (const [node, to] of places) {
    if (!isNode(node) || own(node, 'nullable') !== true || isReferenceOnly(node, 'openapi-3.0')) continue
    const from = origins.get(to) ?? ''
    if (isNullableCombination(node))
      warnings.push({
        pointer: `${from}/nullable`,
        message: 'is read as: null is valid, too; OpenAPI 3.0.3 gives it no effect without `type` beside it',
      })
    else if (own(node, 'type') === undefined)
      warnings.push({
        pointer: `${from}/nullable`,
        message: 'has no effect without `type` beside it (OpenAPI 3.0.3)',
      })
    const values = own(node, 'enum')
    if (Array.isArray(values) && !values.includes(null))
      warnings.push({
        pointer: `${from}/enum`,
        message: 'does not list null, so null is not valid although `nullable` is true (OpenAPI 3.0.3)',
      })
  }
  return warnings
}
