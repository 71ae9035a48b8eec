import { acceptsNull } from './null-verdict.ts'
import { createUnionCheck } from './strict-apart.ts'
import { describe, describeReference, titleOf } from './strict-describe.ts'
import { NotStrictError } from './strict-error.ts'
import { isOnlyAnnotated, type Merger } from './strict-merge.ts'
import { keywordBesideUnion, refuseInexpressible } from './strict-refuse.ts'
import { convertScalar, nullable, onlyFor, typesOf } from './strict-types.ts'
import { escapePointer, isNode, own, resolveLocal, type SchemaNode } from './subschemas.ts'

/** Of the schema as it is sent, references counted once. More would be refused by every provider, and take long to convert. */
const mostNodes = 10_000
const mostLevels = 10

export interface Converter {
  /** The strict form of the schema at a JSON pointer. Throws a NotStrictError where there is none. */
  convert(schema: unknown, pointer: string, level: number): SchemaNode
  /** The definitions that converted schemas refer to; converted here, one after the other, because a chain of them has any length. */
  definitions(): Readonly<Record<string, SchemaNode>>
}

/** `rootPointer` is the pointer of the schema that becomes the root of what is sent; null: none does, and references to it need a definition. */
export function createConverter(root: SchemaNode, rootPointer: string | null, merger: Merger): Converter {
  const definitions: Record<string, SchemaNode> = {}
  const names = new Map<string, string>()
  const unions = createUnionCheck(root)
  let nodes = 0
  const open: { readonly name: string; readonly target: unknown; readonly at: string }[] = []
  return {
    convert,
    definitions() {
      for (let next = open.pop(); next !== undefined; next = open.pop())
        definitions[next.name] = convert(next.target, next.at, 1)
      return definitions
    },
  }

  function convert(schema: unknown, pointer: string, level: number): SchemaNode {
    if (schema === false) throw new NotStrictError(pointer, 'allows no value')
    if (!isNode(schema)) throw new NotStrictError(pointer, 'accepts any value')
    nodes += 1
    if (nodes > mostNodes) throw new NotStrictError('', `expands to more than ${mostNodes} schemas`)
    if (level > mostLevels) throw new NotStrictError(pointer, `is nested more than ${mostLevels} levels deep`)
    const flat = merger.flatten(schema, pointer)
    refuseInexpressible(root, flat, pointer)
    const reference = own(flat, '$ref')
    if (typeof reference === 'string') return describeReference({ $ref: refer(reference, pointer) }, flat)
    const union = ['anyOf', 'oneOf'].filter((keyword) => Array.isArray(own(flat, keyword)))
    if (union.length === 2) throw new NotStrictError(pointer, 'has anyOf and oneOf')
    if (union[0] !== undefined) return convertUnion(flat, union[0], pointer, level)
    const types = typesOf(flat, pointer)
    const [type] = types
    if (types.length === 1 && type === 'object') return describe({ type, ...convertObject(flat, pointer, level) }, flat)
    if (types.length === 1 && type === 'array') return describe({ type, ...convertArray(flat, pointer, level) }, flat)
    if (!types.includes('object') && !types.includes('array')) return describe(convertScalar(flat, types), flat)
    const { description, title: _title, ...rest } = flat
    const forms = types.map((one) => convert({ ...onlyFor(rest, one), type: one }, pointer, level))
    return { anyOf: forms, ...titleOf(flat), ...(description === undefined ? {} : { description }) }
  }

  function convertUnion(schema: SchemaNode, keyword: string, pointer: string, level: number): SchemaNode {
    const besides = keywordBesideUnion(schema)
    if (besides !== undefined) throw new NotStrictError(pointer, `has ${besides} beside ${keyword}`)
    unions.refuseAmbiguousNulls(schema[keyword] as unknown[], pointer)
    const type = own(schema, 'type')
    const forms: SchemaNode[] = []
    for (const [i, form] of (schema[keyword] as unknown[]).entries()) {
      const at = `${pointer}/${keyword}/${i}`
      if (form === false || (type !== undefined && isNode(form) && isOtherType(root, form, type))) continue
      const whole = type === undefined || !isNode(form) ? form : { allOf: [form, { type }] }
      forms.push(convert(whole, at, level))
    }
    if (forms.length === 0) throw new NotStrictError(pointer, 'allows no value')
    const { type: _type, ...rest } = schema
    return describe({ anyOf: forms, ...titleOf(schema) }, rest)
  }

  function convertObject(schema: SchemaNode, pointer: string, level: number): SchemaNode {
    const properties = own(schema, 'properties')
    const before = isNode(properties) ? properties : {}
    const list = own(schema, 'required')
    const required = new Set(Array.isArray(list) ? list.map(String) : [])
    for (const keyword of ['additionalProperties', 'unevaluatedProperties'])
      if ((own(schema, keyword) ?? false) !== false)
        throw new NotStrictError(pointer, 'allows properties that it does not name')
    // A property that may not be there is not offered.
    const offered = Object.keys(before).filter((name) => before[name] !== false || required.has(name))
    const unnamed = [...required].find((name) => !Object.hasOwn(before, name))
    if (unnamed !== undefined)
      throw new NotStrictError(pointer, `requires ${JSON.stringify(unnamed)}, which properties does not describe`)
    // Strict mode would make of it an object that is always empty.
    if (offered.length === 0) throw new NotStrictError(pointer, 'is an object without named properties')
    const made = offered.map((name) => {
      const at = `${pointer}/properties/${escapePointer(name)}`
      const property = convert(before[name], at, level + 1)
      if (required.has(name)) return [name, property] as const
      if (!acceptsNull(root, before[name])) return [name, nullable(property)] as const
      // Absent means null by the author's word; otherwise null alone could not say which of the two it is.
      const inner = before[name]
      if (isNode(inner) && Object.hasOwn(inner, 'default') && inner['default'] === null)
        return [name, property] as const
      throw new NotStrictError(at, 'is optional and accepts null: require it, or give it the default null')
    })
    return { properties: Object.fromEntries(made), required: offered, additionalProperties: false }
  }

  function convertArray(schema: SchemaNode, pointer: string, level: number): SchemaNode {
    const items = own(schema, 'items')
    if (Array.isArray(items)) throw new NotStrictError(pointer, 'is a list with a schema for each place')
    return { items: convert(items, `${pointer}/items`, level + 1) }
  }

  function refer(reference: string, pointer: string): string {
    const target = resolveLocal(root, reference)
    if (target === undefined) throw new NotStrictError(pointer, `refers to ${reference}, where there is no schema`)
    const at = decodeReference(reference)
    if (at === rootPointer) return '#'
    let name = names.get(at)
    if (name === undefined) {
      name = uniqueName(at, definitions)
      names.set(at, name)
      definitions[name] = {}
      open.push({ name, target, at })
    }
    return `#/$defs/${name}`
  }
}

export function decodeReference(reference: string): string {
  try {
    return decodeURIComponent(reference.slice(1))
  } catch {
    return reference.slice(1)
  }
}

function uniqueName(pointer: string, taken: Readonly<Record<string, unknown>>): string {
  const last = pointer.split('/').at(-1) || 'root'
  const name = last.replaceAll(/[^A-Za-z0-9_-]+/g, '_').slice(0, 60)
  if (!Object.hasOwn(taken, name)) return name
  for (let i = 2; ; i += 1) if (!Object.hasOwn(taken, `${name}_${i}`)) return `${name}_${i}`
}

/** Whether a form of a union is for other types than those beside the union. */
function isOtherType(root: SchemaNode, form: SchemaNode, type: unknown): boolean {
  let node: unknown = form
  for (
    let i = 0;
    i < 10 && isNode(node) && typeof own(node, '$ref') === 'string' && isOnlyAnnotated(node, '$ref');
    i += 1
  )
    node = resolveLocal(root, String(node['$ref']))
  const own_ = isNode(node) ? own(node, 'type') : undefined
  if (own_ === undefined) return false
  const allowed = [type].flat()
  const isNumber = (one: unknown) => one === 'number' || one === 'integer'
  return ![own_].flat().some((one) => allowed.includes(one) || (isNumber(one) && allowed.some(isNumber)))
}
