import { isDeepStrictEqual } from 'node:util'
import { patternProblem } from './pattern.ts'
import { sent } from './strict-describe.ts'
import { NotStrictError } from './strict-error.ts'
import { own, type SchemaNode } from './subschemas.ts'

const sentFormats = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'])
/** The types that a schema allows: those that it names, or those of its values. */
export function typesOf(schema: SchemaNode, pointer: string): string[] {
  const values = valuesOf(schema)
  const type = own(schema, 'type')
  const named = type === undefined ? null : [type].flat().map(String)
  if (named !== null && own(schema, 'nullable') === true && !named.includes('null')) named.push('null')
  if (values === null) {
    if (named !== null && named.length > 0) return [...new Set(named)]
    const implied = ['properties', 'required', 'items'].find((keyword) => Object.hasOwn(schema, keyword))
    throw new NotStrictError(
      pointer,
      implied === undefined ? 'accepts any value' : `has ${implied} without a type, so it accepts any other value`,
    )
  }
  const typesOfValues = [...new Set(values.map(typeOf))]
  if (typesOfValues.length === 0) throw new NotStrictError(pointer, 'allows no value')
  if (typesOfValues.some((one) => one === 'object' || one === 'array'))
    throw new NotStrictError(pointer, 'has objects or lists among its values')
  return named?.includes('integer') === true && !named.includes('number')
    ? typesOfValues.map((one) => (one === 'number' ? 'integer' : one))
    : typesOfValues
}

/** The values that `enum`, `const` and `type` allow together; null: any. */
function valuesOf(schema: SchemaNode): unknown[] | null {
  const list = own(schema, 'enum')
  const one = Object.hasOwn(schema, 'const') ? [schema['const']] : null
  let values: unknown[] | null = Array.isArray(list) ? list : null
  if (one !== null) values = values === null ? one : values.filter((value) => isDeepStrictEqual(value, one[0]))
  const type = own(schema, 'type')
  if (values === null || type === undefined) return values
  const types = [type].flat()
  return values.filter((value) => {
    const itsType = typeOf(value)
    return (
      types.includes(itsType) ||
      (itsType === 'number' && Number.isInteger(value) && types.includes('integer')) ||
      (value === null && own(schema, 'nullable') === true)
    )
  })
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

export function convertScalar(schema: SchemaNode, types: readonly string[]): SchemaNode {
  const values = valuesOf(schema)
  const made: SchemaNode = { type: types.length === 1 ? types[0] : types }
  if (values !== null && Object.hasOwn(schema, 'const')) made['const'] = values[0]
  else if (values !== null) made['enum'] = values
  for (const [keyword, itsTypes] of Object.entries(sent)) {
    if (typeof schema[keyword] === 'number' && types.some((type) => itsTypes.includes(type)))
      made[keyword] = schema[keyword]
  }
  if (!types.includes('string') || values !== null) return made
  const format = own(schema, 'format')
  const pattern = own(schema, 'pattern')
  if (typeof format === 'string' && sentFormats.has(format)) made['format'] = format
  else if (typeof pattern === 'string' && patternProblem(pattern) === null) made['pattern'] = pattern
  return made
}

/** Of a schema for several types, what says something about one of them. */
export function onlyFor(schema: SchemaNode, type: string): SchemaNode {
  const { properties, required, additionalProperties, unevaluatedProperties, items, minItems, maxItems, ...others } =
    schema
  const { nullable: _nullable, ...rest } = others
  const defined = (given: SchemaNode) =>
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  if (type === 'object')
    return { ...rest, ...defined({ properties, required, additionalProperties, unevaluatedProperties }) }
  return type === 'array' ? { ...rest, ...defined({ items, minItems, maxItems }) } : rest
}

export function nullable(schema: SchemaNode): SchemaNode {
  const { description, ...rest } = schema
  const hasValues = 'enum' in rest || 'const' in rest
  if (typeof rest['type'] === 'string' && !hasValues)
    return { ...schema, type: rest['type'] === 'null' ? 'null' : [rest['type'], 'null'] }
  if (Array.isArray(rest['type']) && !hasValues)
    return { ...schema, type: [...new Set([...(rest['type'] as string[]), 'null'])] }
  if (Array.isArray(rest['anyOf'])) return { ...schema, anyOf: [...(rest['anyOf'] as unknown[]), { type: 'null' }] }
  return { anyOf: [rest, { type: 'null' }], ...(description === undefined ? {} : { description }) }
}
