import { isNode, own, resolveLocal, type SchemaNode } from './subschemas.ts'

const verdicts = new WeakMap<SchemaNode, Map<unknown, boolean>>()

/** Whether null is valid by a schema. Exact, because every keyword is easy for null. A reference that leads to itself accepts nothing. */
export function acceptsNull(root: SchemaNode, schema: unknown): boolean {
  const known = verdicts.get(root) ?? new Map<unknown, boolean>()
  verdicts.set(root, known)
  return verdict(root, schema, new Set(), known)
}

function verdict(root: SchemaNode, schema: unknown, open: Set<unknown>, known: Map<unknown, boolean>): boolean {
  if (!isNode(schema)) return schema !== false
  const before = known.get(schema)
  if (before !== undefined) return before
  if (open.has(schema)) return false
  open.add(schema)
  const accepts = byKeywords(root, schema, (inner) => verdict(root, inner, open, known))
  open.delete(schema)
  known.set(schema, accepts)
  return accepts
}

function byKeywords(root: SchemaNode, schema: SchemaNode, accepts: (inner: unknown) => boolean): boolean {
  const type = own(schema, 'type')
  const isNullable = own(schema, 'nullable') === true
  if (type !== undefined && type !== 'null' && !(Array.isArray(type) && type.includes('null')) && !isNullable)
    return false
  const values = own(schema, 'enum')
  if (Array.isArray(values) && !values.includes(null)) return false
  if (Object.hasOwn(schema, 'const') && schema['const'] !== null) return false
  const reference = own(schema, '$ref')
  if (typeof reference === 'string' && !accepts(resolveLocal(root, reference) ?? false)) return false
  const [all, any, one] = ['allOf', 'anyOf', 'oneOf'].map((keyword) => own(schema, keyword))
  if (Array.isArray(all) && !all.every(accepts)) return false
  if (Array.isArray(any) && !any.some(accepts)) return false
  if (Array.isArray(one) && one.filter(accepts).length !== 1) return false
  if (Object.hasOwn(schema, 'not') && accepts(schema['not'])) return false
  if (!Object.hasOwn(schema, 'if')) return true
  return accepts(own(schema, accepts(schema['if']) ? 'then' : 'else') ?? true)
}
