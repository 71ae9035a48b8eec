import { escapePointer, isNode, own, resolveLocal, subschemas, type SchemaNode } from './subschemas.ts'
import { compileSchema } from './validator.ts'

/**
 * Takes away the nulls that a strict model writes for absent optional properties: where the property is optional in the author's schema and does not
 * accept null. Elements of arrays stay: a null there says something. Gives a new value where something changes, else the value itself.
 */
export function dropAddedNulls(root: SchemaNode, value: unknown): unknown {
  return drop({ root, schema: root, pointer: '' }, value)
}

interface At {
  readonly root: SchemaNode
  readonly schema: unknown
  /** Of `schema` in `root`. */
  readonly pointer: string
}

function drop(at: At, value: unknown): unknown {
  const { root, schema } = at
  if (!isNode(schema) || typeof value !== 'object' || value === null) return value
  let now: unknown = value
  const reference = own(schema, '$ref')
  if (typeof reference === 'string')
    now = drop({ root, schema: resolveLocal(root, reference), pointer: decode(reference) }, now)
  const branches = [...subschemas(schema)]
  for (const { keyword, ...inner } of branches) {
    if (keyword === 'allOf') now = drop({ root, schema: inner.schema, pointer: at.pointer + inner.pointer }, now)
  }
  for (const union of ['anyOf', 'oneOf']) {
    const forms = branches.filter(
      ({ keyword, schema }) => keyword === union && !(isNode(schema) && schema['type'] === 'null'),
    )
    for (const { schema: branch, pointer } of forms) {
      const tried = drop({ root, schema: branch, pointer: at.pointer + pointer }, now)
      if (forms.length > 1 && !compileSchema(root).isValidAt(at.pointer + pointer, tried)) continue
      now = tried
      break
    }
  }
  return Array.isArray(now)
    ? dropInItems(at, schema, now)
    : dropInProperties(at, schema, now as Record<string, unknown>)
}

function dropInItems({ root, pointer }: At, schema: SchemaNode, items: readonly unknown[]): unknown {
  const each = own(schema, 'items')
  if (!isNode(each)) return items
  const dropped = items.map((item) => drop({ root, schema: each, pointer: `${pointer}/items` }, item))
  return dropped.some((item, i) => item !== items[i]) ? dropped : items
}

function dropInProperties({ root, pointer }: At, schema: SchemaNode, object: Record<string, unknown>): unknown {
  const properties = own(schema, 'properties')
  if (!isNode(properties)) return object
  const required = own(schema, 'required')
  let changed: Record<string, unknown> | undefined
  for (const [name, property] of Object.entries(properties)) {
    const before = own(object, name)
    if (before === undefined) continue
    if (before === null) {
      if ((Array.isArray(required) && required.includes(name)) || acceptsNull(root, property)) continue
      changed ??= { ...object }
      delete changed[name]
      continue
    }
    const after = drop({ root, schema: property, pointer: `${pointer}/properties/${escapePointer(name)}` }, before)
    if (after !== before) {
      changed ??= { ...object }
      changed[name] = after
    }
  }
  return changed ?? object
}

/** Whether null is valid, told from the keywords alone. */
export function acceptsNull(root: SchemaNode, schema: unknown, seen: ReadonlySet<unknown> = new Set()): boolean {
  if (!isNode(schema)) return schema === true
  if (seen.has(schema)) return false
  const inner = new Set(seen).add(schema)
  const type = own(schema, 'type')
  if (type !== undefined && type !== 'null' && !(Array.isArray(type) && type.includes('null'))) return false
  const values = own(schema, 'enum')
  if (Array.isArray(values) && !values.includes(null)) return false
  if (Object.hasOwn(schema, 'const') && schema['const'] !== null) return false
  const reference = own(schema, '$ref')
  if (typeof reference === 'string' && !acceptsNull(root, resolveLocal(root, reference), inner)) return false
  for (const union of ['anyOf', 'oneOf']) {
    const forms = own(schema, union)
    if (Array.isArray(forms) && !forms.some((form) => acceptsNull(root, form, inner))) return false
  }
  const all = own(schema, 'allOf')
  return !Array.isArray(all) || all.every((form) => acceptsNull(root, form, inner))
}

function decode(reference: string): string {
  try {
    return decodeURIComponent(reference.replace(/^#/, ''))
  } catch {
    return reference
  }
}
