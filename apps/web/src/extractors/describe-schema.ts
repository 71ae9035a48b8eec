export interface SchemaRow {
  /** `items[].price` */
  readonly path: string
  readonly kind: string
  readonly description: string
  readonly required: boolean
}

const mostRows = 200
const mostDepth = 8
const mostChoices = 12

type Json = Readonly<Record<string, unknown>>

/** The fields of a schema with their kinds, nested ones by their path. A reference is named, not followed. */
export function describeSchema(schema: unknown): { readonly rows: readonly SchemaRow[]; readonly more: boolean } {
  const rows: SchemaRow[] = []
  const visit = (value: unknown, path: string, depth: number): void => {
    if (!isObject(value) || depth > mostDepth) return
    const { properties, required, items } = value
    const needed = Array.isArray(required) ? (required as unknown[]) : []
    if (isObject(items)) visit(items, `${path}[]`, depth + 1)
    if (!isObject(properties)) return
    for (const [name, property] of Object.entries(properties)) {
      const own = path === '' ? name : `${path}.${name}`
      rows.push({
        path: own,
        kind: kindOf(property),
        description: descriptionOf(property),
        required: needed.includes(name),
      })
      if (rows.length > mostRows) return
      visit(property, own, depth + 1)
    }
  }
  visit(schema, '', 0)
  return { rows: rows.slice(0, mostRows), more: rows.length > mostRows }
}

function kindOf(schema: unknown): string {
  if (!isObject(schema)) return schema === false ? 'nothing' : 'anything'
  const { type, format, items, $ref } = schema
  if (Array.isArray(schema['enum'])) return `one of ${list(schema['enum'] as unknown[])}`
  if ('const' in schema) return JSON.stringify(schema['const'])
  if (typeof $ref === 'string') return $ref
  for (const word of ['anyOf', 'oneOf'] as const) {
    const choices = schema[word]
    if (Array.isArray(choices)) return choices.slice(0, mostChoices).map(kindOf).join(' or ')
  }
  const types = [type].flat().filter((one) => typeof one === 'string')
  const words = types.map((one) => {
    if (one === 'array') return `list of ${isObject(items) ? elementOf(items) : 'anything'}`
    if (one === 'string') return typeof format === 'string' ? format : 'text'
    return { integer: 'whole number', boolean: 'yes or no', null: 'nothing' }[one] ?? one
  })
  return [words.length === 0 ? 'anything' : words.join(' or '), ...bounds(schema)].join(', ')
}

function elementOf(items: Json): string {
  return items['type'] === 'object' ? 'objects' : kindOf(items)
}

function bounds(schema: Json): string[] {
  const words: Readonly<Record<string, string>> = {
    minimum: 'at least',
    maximum: 'at most',
    minLength: 'characters at least',
    maxLength: 'characters at most',
    minItems: 'elements at least',
    maxItems: 'elements at most',
    pattern: 'pattern',
  }
  return Object.entries(words).flatMap(([name, text]) => {
    const value = schema[name]
    return typeof value === 'number' || typeof value === 'string' ? [`${text} ${value}`] : []
  })
}

function list(values: readonly unknown[]): string {
  const shown = values.slice(0, mostChoices).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return `${shown.join(', ')}${values.length > mostChoices ? ` and ${values.length - mostChoices} more` : ''}`
}

function descriptionOf(schema: unknown): string {
  if (!isObject(schema)) return ''
  const { description, title } = schema
  return typeof description === 'string' ? description : typeof title === 'string' ? title : ''
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
