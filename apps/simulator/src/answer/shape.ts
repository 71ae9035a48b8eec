export type JsonSchema = Readonly<Record<string, unknown>>

/** A schema with its references resolved and its `allOf` merged, in the form of what must be written for it. */
export type Shape = { readonly nullable: boolean; readonly schema: JsonSchema } & (
  | { readonly type: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'any' }
  | { readonly type: 'values'; readonly values: readonly unknown[] }
  | { readonly type: 'choice'; readonly branches: readonly unknown[] }
)

const types = ['object', 'array', 'string', 'number', 'integer', 'boolean'] as const
/** The limit for references that only lead to each other. */
const mostHops = 20

export function shapeOf(given: unknown, root: JsonSchema): Shape {
  const schema = resolve(given, root)
  if ('const' in schema) return values([schema['const']], schema)
  if (Array.isArray(schema['enum'])) return values(schema['enum'], schema)
  const branches = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(branches) && branches.length > 0) return choice(branches, schema, root)
  const listed = Array.isArray(schema['type']) ? (schema['type'] as string[]) : [schema['type'] as string]
  const nullable = listed.includes('null')
  const allowed = types.filter((type) => listed.includes(type))
  if (allowed.length > 1)
    return { type: 'choice', nullable, schema, branches: allowed.map((type) => ({ ...schema, type })) }
  if (allowed[0] !== undefined) return { type: allowed[0], nullable, schema }
  if (nullable) return { type: 'null', nullable, schema }
  const implied = 'properties' in schema ? 'object' : 'items' in schema ? 'array' : 'any'
  return { type: implied, nullable: implied === 'any', schema }
}

/** The reference of a schema, so that recursion is noticed. */
export function referenceOf(schema: unknown): string | null {
  const reference = isObject(schema) ? schema['$ref'] : undefined
  return typeof reference === 'string' ? reference : null
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function values(all: readonly unknown[], schema: JsonSchema): Shape {
  const some = all.filter((value) => value !== null)
  const nullable = some.length < all.length
  return some.length === 0
    ? { type: 'null', nullable: true, schema }
    : { type: 'values', nullable, schema, values: some }
}

function choice(branches: readonly unknown[], schema: JsonSchema, root: JsonSchema): Shape {
  const { anyOf: _, oneOf: __, ...rest } = schema
  const isNull = (branch: unknown) => isObject(branch) && (branch['type'] === 'null' || branch['const'] === null)
  const others = branches.filter((branch) => !isNull(branch))
  const nullable = others.length < branches.length
  if (others.length === 0) return { type: 'null', nullable: true, schema }
  if (others.length === 1) {
    const shape = shapeOf(merge(rest, resolve(others[0], root)), root)
    return nullable ? { ...shape, nullable } : shape
  }
  return { type: 'choice', nullable, schema: rest, branches: others.map((branch) => mergeBranch(rest, branch)) }
}

/** References are kept, so that recursion is noticed. */
function mergeBranch(rest: JsonSchema, branch: unknown): unknown {
  const telling = Object.keys(rest).some(
    (key) => !['description', 'title', '$defs', 'definitions', '$schema'].includes(key),
  )
  return telling && isObject(branch) ? merge(rest, branch) : branch
}

function resolve(given: unknown, root: JsonSchema): JsonSchema {
  let schema: JsonSchema = isObject(given) ? given : {}
  for (let hop = 0; hop < mostHops; hop += 1) {
    const { $ref, ...siblings } = schema
    if (typeof $ref !== 'string') break
    schema = { ...pointedTo($ref, root), ...siblings }
  }
  if (!Array.isArray(schema['allOf'])) return schema
  const { allOf, ...rest } = schema
  return (allOf as unknown[]).reduce<JsonSchema>((merged, part) => merge(merged, resolve(part, root)), rest)
}

function merge(one: JsonSchema, other: JsonSchema): JsonSchema {
  const merged: Record<string, unknown> = { ...one, ...other }
  if (isObject(one['properties']) && isObject(other['properties'])) {
    merged['properties'] = { ...one['properties'], ...other['properties'] }
  }
  if (Array.isArray(one['required']) && Array.isArray(other['required'])) {
    merged['required'] = [...new Set([...one['required'], ...other['required']])]
  }
  return merged
}

function pointedTo(reference: string, root: JsonSchema): JsonSchema | null {
  if (!reference.startsWith('#')) return null
  let at: unknown = root
  for (const part of reference.split('/').slice(1)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    at = isObject(at) ? at[name] : Array.isArray(at) ? at[Number(name)] : undefined
  }
  return isObject(at) ? at : null
}
