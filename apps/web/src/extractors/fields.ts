/** A field of a flat schema, as a person describes it without knowing JSON Schema. */
export interface Field {
  readonly name: string
  readonly type: FieldType
  readonly description: string
  /** Of `choice`: what the value may be. */
  readonly choices: readonly string[]
  /** False: the value may be null, where a text does not say it. */
  readonly always: boolean
}
export type FieldType = 'text' | 'integer' | 'number' | 'boolean' | 'date' | 'choice' | 'texts'

export const fieldTypes: Readonly<Record<FieldType, string>> = {
  text: 'Text',
  integer: 'Whole number',
  number: 'Number',
  boolean: 'Yes or no',
  date: 'Date',
  choice: 'One of',
  texts: 'List of texts',
}

type Json = Readonly<Record<string, unknown>>

export const emptyField: Field = { name: '', type: 'text', description: '', choices: [], always: true }

/** The schema of fields: an object that has all of them and nothing more. Fields without a name are left out. */
export function schemaOf(fields: readonly Field[]): Json {
  const named = fields.filter(({ name }) => name !== '')
  return {
    type: 'object',
    // Object.fromEntries defines properties, so that a field may also be named `__proto__`: the server then says what is wrong with it.
    properties: Object.fromEntries(named.map((field) => [field.name, propertyOf(field)])),
    required: [...new Set(named.map(({ name }) => name))],
    additionalProperties: false,
  }
}

function propertyOf({ type, description, choices, always }: Field): Json {
  const more = description === '' ? {} : { description }
  const typed = (name: string, extra: Json = {}): Json => ({ type: always ? name : [name, 'null'], ...extra, ...more })
  switch (type) {
    case 'text':
      return typed('string')
    case 'date':
      return typed('string', { format: 'date' })
    case 'texts':
      return typed('array', { items: { type: 'string' } })
    case 'choice':
      return { enum: always ? [...choices] : [...choices, null], ...more }
    case 'integer':
    case 'number':
    case 'boolean':
      return typed(type)
    default:
      return type satisfies never
  }
}

/** The fields of a schema, or null where it says more than fields can show. */
export function fieldsOf(schema: unknown): Field[] | null {
  if (!isObject(schema) || schema['type'] !== 'object' || !isObject(schema['properties'])) return null
  const properties = schema['properties']
  const fields = Object.entries(properties).map(([name, property]) => fieldOf(name, property))
  if (fields.includes(null)) return null
  const known = fields as Field[]
  return sameJson(schemaOf(known), schema) ? known : null
}

function fieldOf(name: string, property: unknown): Field | null {
  if (!isObject(property)) return null
  const { type, description = '', format } = property
  if (typeof description !== 'string') return null
  const base = { name, description, choices: [] }
  if (Array.isArray(property['enum'])) {
    const values = property['enum'] as unknown[]
    const choices = values.filter((value) => typeof value === 'string')
    return { ...base, type: 'choice', choices, always: !values.includes(null) }
  }
  const always = !Array.isArray(type)
  const one: unknown = Array.isArray(type) ? type[0] : type
  if (one === 'string') return { ...base, type: format === 'date' ? 'date' : 'text', always }
  if (one === 'array') return { ...base, type: 'texts', always }
  if (one === 'integer' || one === 'number' || one === 'boolean') return { ...base, type: one, always }
  return null
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Equal, in whatever order the properties are. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((value, at) => sameJson(value, b[at]))
  if (!isObject(a) || !isObject(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  )
}
