import { NotStrictError } from './strict-error.ts'
import { isNode, own, subschemas, type SchemaNode } from './subschemas.ts'

/** OpenAI, "Structured outputs", supported schemas and limits. */
const strictLimits = {
  properties: 5_000,
  enumValues: 1_000,
  /** Of all names of properties and definitions, and all values of `enum` and `const`. */
  characters: 120_000,
  /** An `enum` of strings with more values than `manyValues` may have `charactersOfMany` characters. */
  manyValues: 250,
  charactersOfMany: 15_000,
} as const

/** Throws a NotStrictError where a schema in strict form is larger than a provider takes. */
export function refuseTooLarge(schema: SchemaNode): void {
  let properties = 0
  let enumValues = 0
  let characters = 0
  const open: unknown[] = [schema]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!isNode(next)) continue
    for (const keyword of ['properties', '$defs']) {
      const named = own(next, keyword)
      if (!isNode(named)) continue
      const names = Object.keys(named)
      if (keyword === 'properties') properties += names.length
      characters += names.reduce((sum, name) => sum + name.length, 0)
    }
    const values = own(next, 'enum')
    if (Array.isArray(values)) {
      const length = values.reduce<number>((sum, value) => sum + lengthOf(value), 0)
      enumValues += values.length
      characters += length
      if (values.length > strictLimits.manyValues && length > strictLimits.charactersOfMany)
        throw tooLarge(`one enum has more than ${strictLimits.charactersOfMany} characters`)
    }
    if (Object.hasOwn(next, 'const')) characters += lengthOf(next['const'])
    for (const { schema: inner } of subschemas(next)) open.push(inner)
  }
  if (properties > strictLimits.properties) throw tooLarge(`it has more than ${strictLimits.properties} properties`)
  if (enumValues > strictLimits.enumValues) throw tooLarge(`it has more than ${strictLimits.enumValues} enum values`)
  if (characters > strictLimits.characters)
    throw tooLarge(`its names and values have more than ${strictLimits.characters} characters`)
}

/** Throws a NotStrictError where a schema in strict form applies to a value only by way of itself, so that it says nothing. */
export function refuseCircles(schema: SchemaNode): void {
  const definitions = own(schema, '$defs')
  const done = new Set<unknown>()
  const open = new Set<unknown>()
  const visit = (node: unknown): void => {
    if (!isNode(node) || done.has(node)) return
    if (open.has(node)) throw new NotStrictError('', 'has a reference that leads back to itself')
    open.add(node)
    const reference = own(node, '$ref')
    if (reference === '#') visit(schema)
    else if (typeof reference === 'string' && isNode(definitions))
      visit(definitions[reference.slice('#/$defs/'.length)])
    const forms = own(node, 'anyOf')
    if (Array.isArray(forms)) forms.forEach(visit)
    open.delete(node)
    done.add(node)
  }
  visit(schema)
  if (isNode(definitions)) Object.values(definitions).forEach(visit)
}

function tooLarge(what: string): NotStrictError {
  return new NotStrictError('', `${what}, the limit of strict mode`)
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : JSON.stringify(value).length
}
