import { acceptsNull } from './null-verdict.ts'
import { NotStrictError } from './strict-error.ts'
import { isNode, own, resolveLocal, type SchemaNode } from './subschemas.ts'

/** Schemas looked at for all unions of one schema. */
const mostVisits = 50_000

/** The names of properties of a schema, and of all schemas inside it. */
interface Nulls {
  /** Null on the wire means that they are absent. */
  readonly added: Set<string>
  /** Null is a value of theirs. */
  readonly meant: Set<string>
}

export interface UnionCheck {
  /**
   * Throws a NotStrictError where null of a property could mean two things: absent by one form of a union, null by another, and no tag
   * says which form it is.
   */
  refuseAmbiguousNulls(forms: readonly unknown[], pointer: string): void
}

export function createUnionCheck(root: SchemaNode): UnionCheck {
  const known = new Map<unknown, Nulls>()
  let visits = mostVisits
  return {
    refuseAmbiguousNulls(forms, pointer) {
      const objects = forms
        .map((form) => target(form))
        .filter((form) => isNode(form))
        .map((form) => ({ form, nulls: nullsOf(form, pointer) }))
      const meant = new Set(objects.flatMap(({ nulls }) => [...nulls.meant]))
      // Most unions have no such name. Without this, 1,600 forms would be 2.5 million pairs.
      const adding = objects.filter(({ nulls }) => [...nulls.added].some((name) => meant.has(name)))
      for (const one of adding) {
        for (const other of objects) {
          visit(pointer)
          const name = [...one.nulls.added].find((added) => other.nulls.meant.has(added))
          if (name === undefined || one.form === other.form || areTagged(one.form, other.form)) continue
          throw new NotStrictError(
            pointer,
            `has forms for which null of ${JSON.stringify(name)} means two things: give the forms a tag, or require the property`,
          )
        }
      }
    },
  }

  function visit(pointer: string): void {
    visits -= 1
    if (visits < 0) throw new NotStrictError(pointer, 'has unions that are too large to compare')
  }

  function target(schema: unknown): unknown {
    let node = schema
    for (let i = 0; i < 20 && isNode(node) && typeof own(node, '$ref') === 'string'; i += 1)
      node = resolveLocal(root, String(node['$ref']))
    return node
  }

  function nullsOf(schema: unknown, pointer: string): Nulls {
    let nulls = known.get(schema)
    if (nulls === undefined) {
      nulls = collect(schema, pointer)
      known.set(schema, nulls)
    }
    return nulls
  }

  function collect(schema: unknown, pointer: string): Nulls {
    const nulls: Nulls = { added: new Set(), meant: new Set() }
    const seen = new Set<unknown>()
    const open: unknown[] = [schema]
    while (open.length > 0) {
      const next = open.pop()
      if (!isNode(next) || seen.has(next)) continue
      seen.add(next)
      visit(pointer)
      const reference = own(next, '$ref')
      if (typeof reference === 'string') open.push(resolveLocal(root, reference))
      for (const keyword of ['allOf', 'anyOf', 'oneOf'])
        if (Array.isArray(own(next, keyword))) open.push(...(next[keyword] as unknown[]))
      open.push(own(next, 'items'))
      const properties = own(next, 'properties')
      if (isNode(properties)) addProperties(nulls, next, properties, open)
    }
    return nulls
  }

  function addProperties({ added, meant }: Nulls, schema: SchemaNode, properties: SchemaNode, open: unknown[]): void {
    const required = new Set([own(schema, 'required')].flat())
    for (const [name, property] of Object.entries(properties)) {
      if (acceptsNull(root, property)) meant.add(name)
      else if (!required.has(name)) added.add(name)
      open.push(property)
    }
  }

  /** Whether both require a property whose values exclude each other. */
  function areTagged(one: SchemaNode, other: SchemaNode): boolean {
    const [tags, others] = [tagsOf(one), tagsOf(other)]
    return [...tags].some(([name, values]) => {
      const theirs = others.get(name)
      return theirs !== undefined && ![...values].some((value) => theirs.has(value))
    })
  }

  function tagsOf(schema: SchemaNode): Map<string, Set<string>> {
    const tags = new Map<string, Set<string>>()
    const properties = own(schema, 'properties')
    if (!isNode(properties)) return tags
    for (const name of [own(schema, 'required')].flat()) {
      const property = typeof name === 'string' ? target(own(properties, name)) : undefined
      if (!isNode(property)) continue
      const values = Object.hasOwn(property, 'const') ? [property['const']] : own(property, 'enum')
      if (Array.isArray(values)) tags.set(name as string, new Set(values.map((value) => JSON.stringify(value))))
    }
    return tags
  }
}
