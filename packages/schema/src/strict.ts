import { acceptsNull } from './null-drop.ts'
import { patternProblem } from './pattern.ts'
import { isNode, own, resolveLocal, type SchemaNode } from './subschemas.ts'

export type StrictSchema =
  | { readonly strict: true; readonly schema: SchemaNode }
  /** The author's schema, for a request without `strict`. */
  | { readonly strict: false; readonly schema: SchemaNode; readonly reason: string }

// OpenAI, "Structured outputs", supported schemas and limits.
const limits = { levels: 10, properties: 5_000, enumValues: 1_000 }
const kept = new Set([
  'title',
  'description',
  'enum',
  'const',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
])
const wireFormats = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'])
/** What only narrows: the model reads it in the description, and the answer is validated against it afterwards. */
const told = [
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
/** What lets an answer have a form that strict mode cannot say. */
const outside = [
  'patternProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'prefixItems',
  'additionalItems',
  'dependencies',
]

class NotStrictError extends Error {}

/**
 * The form of a schema that strict structured output takes: every object closed, every property required, the optional ones nullable
 * (`dropAddedNulls` undoes that on the answer), keywords that it does not know told in the description. Where a schema says what
 * strict mode cannot, it stays as it is, with the reason.
 */
export function toStrictSchema(schema: SchemaNode): StrictSchema {
  try {
    return { strict: true, schema: convertRoot(schema) }
  } catch (error) {
    if (!(error instanceof NotStrictError)) throw error
    return { strict: false, schema, reason: error.message }
  }
}

function convertRoot(root: SchemaNode): SchemaNode {
  let properties = 0
  let enumValues = 0
  const definitions: Record<string, SchemaNode> = {}

  const convert = (schema: unknown, path: string, level: number): SchemaNode => {
    if (!isNode(schema)) throw new NotStrictError(`${path} accepts any value`)
    if (level > limits.levels) throw new NotStrictError(`${path} is nested more than ${limits.levels} levels deep`)
    for (const keyword of outside)
      if (Object.hasOwn(schema, keyword)) throw new NotStrictError(`${path} has ${keyword}`)
    const reference = own(schema, '$ref')
    // Beside a reference nothing else may stand.
    if (typeof reference === 'string') return { $ref: referTo(reference, path) }
    const all = own(schema, 'allOf')
    if (Array.isArray(all)) {
      const { allOf: _all, ...rest } = schema
      if (all.length !== 1 || !isNode(all[0])) throw new NotStrictError(`${path} combines schemas by allOf`)
      return convert({ ...all[0], ...rest }, path, level)
    }
    const types = typesOf(schema)
    if (types.length > 1 && types.some((type) => type === 'object' || type === 'array')) {
      return { anyOf: types.map((type) => convert({ ...onlyFor(schema, type), type }, path, level)) }
    }
    const made: SchemaNode = {}
    for (const keyword of kept) if (Object.hasOwn(schema, keyword)) made[keyword] = schema[keyword]
    const values = own(schema, 'enum')
    if (Array.isArray(values)) enumValues += values.length
    if (enumValues > limits.enumValues) throw new NotStrictError(`it has more than ${limits.enumValues} enum values`)
    const forms = own(schema, 'anyOf') ?? own(schema, 'oneOf')
    if (Array.isArray(forms)) made['anyOf'] = forms.map((form, i) => convert(form, `${path}/anyOf/${i}`, level))
    else if (types.length === 0) throw new NotStrictError(`${path} accepts any value`)
    if (types.length > 0) made['type'] = types.length === 1 ? types[0] : types
    if (types.includes('object')) Object.assign(made, convertObject(schema, path, level))
    if (types.includes('array')) made['items'] = convert(own(schema, 'items'), `${path}/items`, level + 1)
    return describe(made, schema)
  }

  const convertObject = (schema: SchemaNode, path: string, level: number): SchemaNode => {
    const own_ = own(schema, 'properties')
    const before = isNode(own_) ? own_ : {}
    const names = Object.keys(before)
    const additional = own(schema, 'additionalProperties')
    if (additional !== undefined && additional !== false) throw new NotStrictError(`${path} allows further properties`)
    // Strict mode would make of it an object that is always empty.
    if (names.length === 0) throw new NotStrictError(`${path} is an object without named properties`)
    properties += names.length
    if (properties > limits.properties) throw new NotStrictError(`it has more than ${limits.properties} properties`)
    const required = own(schema, 'required')
    const isRequired = (name: string) => Array.isArray(required) && required.includes(name)
    if (Array.isArray(required) && required.some((name) => !names.includes(String(name))))
      throw new NotStrictError(`${path} requires a property that it does not describe`)
    const made = names.map((name) => {
      const property = convert(before[name], `${path}/properties/${name}`, level + 1)
      return [name, isRequired(name) || acceptsNull(root, before[name]) ? property : nullable(property)] as const
    })
    return { properties: Object.fromEntries(made), required: names, additionalProperties: false }
  }

  const referTo = (reference: string, path: string): string => {
    if (reference === '#') return '#'
    const match = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(reference)
    if (match === null) throw new NotStrictError(`${path} refers to ${reference}, which is not a definition`)
    const name = match[1]!
    if (!Object.hasOwn(definitions, name)) {
      // Its place is taken before it is converted: it may refer to itself.
      definitions[name] = {}
      definitions[name] = convert(resolveLocal(root, reference), reference, 1)
    }
    return `#/$defs/${name}`
  }

  const made = convert(root, '#', 1)
  if (made['type'] !== 'object' || 'anyOf' in made) throw new NotStrictError('# is not an object with properties')
  return Object.keys(definitions).length === 0 ? made : { ...made, $defs: definitions }
}

function typesOf(schema: SchemaNode): string[] {
  const type = own(schema, 'type')
  if (Array.isArray(type)) return type.map(String)
  if (typeof type === 'string') return [type]
  if (Object.hasOwn(schema, 'properties')) return ['object']
  if (Object.hasOwn(schema, 'items')) return ['array']
  // Strict mode wants the type beside the values.
  const values = own(schema, 'enum') ?? (Object.hasOwn(schema, 'const') ? [schema['const']] : [])
  return Array.isArray(values) ? [...new Set(values.map(typeOf))] : []
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Of a schema for several types, what says something about one of them. */
function onlyFor(schema: SchemaNode, type: string): SchemaNode {
  const { properties, required, additionalProperties, items, enum: values, ...rest } = schema
  if (type === 'object') return { ...rest, properties, required, additionalProperties }
  if (type === 'array') return { ...rest, items }
  return values === undefined ? rest : { ...rest, enum: values }
}

function nullable(schema: SchemaNode): SchemaNode {
  const { description, ...rest } = schema
  if (typeof rest['type'] === 'string' && !('enum' in rest) && !('const' in rest))
    return { ...schema, type: [rest['type'], 'null'] }
  if (Array.isArray(rest['anyOf']) && !('type' in rest))
    return { ...schema, anyOf: [...rest['anyOf'], { type: 'null' }] }
  return { anyOf: [rest, { type: 'null' }], ...(description === undefined ? {} : { description }) }
}

function describe(made: SchemaNode, schema: SchemaNode): SchemaNode {
  const format = own(schema, 'format')
  const pattern = own(schema, 'pattern')
  if (typeof format === 'string' && wireFormats.has(format)) made['format'] = format
  if (typeof pattern === 'string' && patternProblem(pattern) === null && made['format'] === undefined)
    made['pattern'] = pattern
  const notes = told.filter(
    (keyword) =>
      Object.hasOwn(schema, keyword) &&
      !Object.hasOwn(made, keyword) &&
      !(keyword === 'pattern' && made['format'] !== undefined),
  )
  if (notes.length === 0) return made
  const text = notes.map((keyword) => `${keyword}: ${JSON.stringify(schema[keyword])}`).join('; ')
  const description = own(schema, 'description')
  return {
    ...made,
    description: typeof description === 'string' && description !== '' ? `${description} (${text})` : text,
  }
}
