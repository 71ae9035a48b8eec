import { isDeepStrictEqual } from 'node:util'
import { acceptsNull } from './null-verdict.ts'
import { patternProblem } from './pattern.ts'
import { NotStrictError } from './strict-error.ts'
import { flatten, isOnlyAnnotated } from './strict-merge.ts'
import { escapePointer, isNode, own, resolveLocal, subschemas, type SchemaNode } from './subschemas.ts'

/** Of the schema as it is sent, references counted once. More would be refused by every provider, and take long to convert. */
const mostNodes = 10_000
const mostLevels = 10

const sentFormats = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'])
/** Keywords that strict mode knows, by the types that they apply to. */
const sent: Readonly<Record<string, readonly string[]>> = {
  minimum: ['number', 'integer'],
  maximum: ['number', 'integer'],
  exclusiveMinimum: ['number', 'integer'],
  exclusiveMaximum: ['number', 'integer'],
  multipleOf: ['number', 'integer'],
  minItems: ['array'],
  maxItems: ['array'],
}
/** Keywords that only narrow: the model reads them in the description, and the answer is validated against them afterwards. */
const described = [
  ...Object.keys(sent),
  'minLength',
  'maxLength',
  'pattern',
  'format',
  'uniqueItems',
  'contains',
  'minContains',
  'maxContains',
  'minProperties',
  'maxProperties',
  'propertyNames',
  'not',
  'default',
  'examples',
  'dependentRequired',
  'dependentSchemas',
  'if',
  'then',
  'else',
]
/** Keywords that allow values which strict mode cannot express. */
const inexpressible = [
  'patternProperties',
  'unevaluatedItems',
  'prefixItems',
  'additionalItems',
  'dependencies',
  '$dynamicRef',
  '$recursiveRef',
  'extends',
  'disallow',
]
/** Beside a union they apply to each of its forms. */
const structural = ['properties', 'required', 'additionalProperties', 'unevaluatedProperties', 'items', 'enum', 'const']
const conditional = ['if', 'then', 'else', 'dependentSchemas', 'not']

export interface Converter {
  /** The strict form of the schema at a JSON pointer. Throws a NotStrictError where there is none. */
  convert(schema: unknown, pointer: string, level: number): SchemaNode
  /** The definitions that converted schemas refer to. */
  readonly definitions: Readonly<Record<string, SchemaNode>>
}

/** `rootPointer` is the pointer of the schema that becomes the root of what is sent; null: none does, and references to it need a definition. */
export function createConverter(root: SchemaNode, rootPointer: string | null): Converter {
  const definitions: Record<string, SchemaNode> = {}
  const names = new Map<string, string>()
  let nodes = 0
  return { convert, definitions }

  function convert(schema: unknown, pointer: string, level: number): SchemaNode {
    if (schema === false) throw new NotStrictError(pointer, 'allows no value')
    if (!isNode(schema)) throw new NotStrictError(pointer, 'accepts any value')
    nodes += 1
    if (nodes > mostNodes) throw new NotStrictError('', `expands to more than ${mostNodes} schemas`)
    if (level > mostLevels) throw new NotStrictError(pointer, `is nested more than ${mostLevels} levels deep`)
    const flat = flatten(root, schema, pointer)
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
    const besides = structural.find((other) => Object.hasOwn(schema, other) && !isEmpty(other, schema[other]))
    if (besides !== undefined) throw new NotStrictError(pointer, `has ${besides} beside ${keyword}`)
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
      // The name is taken before the schema is converted, because it may refer to itself.
      definitions[name] = {}
      definitions[name] = convert(target, at, 1)
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

function refuseInexpressible(root: SchemaNode, schema: SchemaNode, pointer: string): void {
  for (const keyword of inexpressible)
    if (Object.hasOwn(schema, keyword)) throw new NotStrictError(pointer, `has ${keyword}`)
  for (const keyword of conditional) {
    if (!Object.hasOwn(schema, keyword)) continue
    const inner =
      keyword === 'dependentSchemas' && isNode(schema[keyword]) ? Object.values(schema[keyword]) : [schema[keyword]]
    if (inner.some((one) => namesProperties(root, one, new Set())))
      throw new NotStrictError(pointer, `has properties or required in ${keyword}`)
  }
}

/** Whether a schema says something about properties of the value itself. */
function namesProperties(root: SchemaNode, schema: unknown, seen: Set<unknown>): boolean {
  if (!isNode(schema) || seen.has(schema)) return false
  seen.add(schema)
  if (
    ['properties', 'required', 'additionalProperties', 'patternProperties'].some((keyword) =>
      Object.hasOwn(schema, keyword),
    )
  )
    return true
  const reference = own(schema, '$ref')
  if (typeof reference === 'string' && namesProperties(root, resolveLocal(root, reference), seen)) return true
  return [...subschemas(schema)].some(({ isInPlace, schema: inner }) => isInPlace && namesProperties(root, inner, seen))
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

/** `properties: {}` and `required: []` constrain nothing. */
function isEmpty(keyword: string, value: unknown): boolean {
  if (keyword === 'enum' || keyword === 'const') return false
  return Array.isArray(value) ? value.length === 0 : isNode(value) && Object.keys(value).length === 0
}

/** The types that a schema allows: those that it names, or those of its values. */
function typesOf(schema: SchemaNode, pointer: string): string[] {
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

function convertScalar(schema: SchemaNode, types: readonly string[]): SchemaNode {
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
function onlyFor(schema: SchemaNode, type: string): SchemaNode {
  const { properties, required, additionalProperties, unevaluatedProperties, items, minItems, maxItems, ...others } =
    schema
  const { nullable: _nullable, ...rest } = others
  const defined = (given: SchemaNode) =>
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  if (type === 'object')
    return { ...rest, ...defined({ properties, required, additionalProperties, unevaluatedProperties }) }
  return type === 'array' ? { ...rest, ...defined({ items, minItems, maxItems }) } : rest
}

function nullable(schema: SchemaNode): SchemaNode {
  const { description, ...rest } = schema
  const hasValues = 'enum' in rest || 'const' in rest
  if (typeof rest['type'] === 'string' && !hasValues)
    return { ...schema, type: rest['type'] === 'null' ? 'null' : [rest['type'], 'null'] }
  if (Array.isArray(rest['type']) && !hasValues)
    return { ...schema, type: [...new Set([...(rest['type'] as string[]), 'null'])] }
  if (Array.isArray(rest['anyOf'])) return { ...schema, anyOf: [...(rest['anyOf'] as unknown[]), { type: 'null' }] }
  return { anyOf: [rest, { type: 'null' }], ...(description === undefined ? {} : { description }) }
}

function titleOf(schema: SchemaNode): SchemaNode {
  return typeof schema['title'] === 'string' ? { title: schema['title'] } : {}
}

function describeReference(made: SchemaNode, schema: SchemaNode): SchemaNode {
  const noted = describe(made, schema)
  const { $ref: _ref, ...notes } = noted
  // Nothing else is allowed beside a reference.
  return Object.keys(notes).length === 0 ? made : { anyOf: [made], ...notes }
}

/** The title and the description, with the keywords that are not sent. */
function describe(made: SchemaNode, schema: SchemaNode): SchemaNode {
  for (const [keyword, types] of Object.entries(sent))
    if (typeof schema[keyword] === 'number' && types.includes(String(made['type']))) made[keyword] = schema[keyword]
  const notes = described
    .filter((keyword) => Object.hasOwn(schema, keyword) && !Object.hasOwn(made, keyword))
    .map((keyword) => `${keyword}: ${JSON.stringify(schema[keyword])}`)
    .join('; ')
  const description = own(schema, 'description')
  const text = typeof description === 'string' && description !== '' ? description : null
  const whole = notes === '' ? text : text === null ? notes : `${text} (${notes})`
  return { ...made, ...titleOf(schema), ...(whole === null ? {} : { description: whole }) }
}
