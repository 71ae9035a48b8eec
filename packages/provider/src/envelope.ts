import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from '@sluice/contract/extractor'
import { toStrictSchema } from '@sluice/schema/strict'
import { isNode } from '@sluice/schema/subschemas'
import { compileSchema } from '@sluice/schema/validator'

/** Names that models give to a property that holds nothing but their answer. */
const envelopeNames = new Set(
  'answer data result results output response json extraction extracted extracted_data final_answer tool_calls arguments parameters input'.split(
    ' ',
  ),
)
/** What a call of a tool has beside its arguments. */
const callNames = new Set(['name', 'tool', 'tool_name', 'type', 'id', 'index', 'function'])
const argumentNames = ['arguments', 'parameters', 'input', 'function']
const mostEnvelopes = 4

/**
 * What is in the envelope that a model puts around its answer: `{"answer": ...}`, `{"data": ...}`, a call of a tool, a list of one. Each layer
 * from the outside in; none where the schema itself has a property of that name, because then it is not certain which of the two is meant.
 */
export function insideEnvelopes(value: unknown, schema: JsonSchema): unknown[] {
  const inside: unknown[] = []
  let outer = value
  while (inside.length < mostEnvelopes) {
    const inner = insideOne(outer, schema)
    if (inner === undefined) break
    inside.push(inner)
    outer = inner
  }
  return inside
}

function insideOne(value: unknown, schema: JsonSchema): unknown {
  if (Array.isArray(value)) return value.length === 1 && isNode(value[0]) ? value[0] : undefined
  if (!isNode(value)) return undefined
  const keys = Object.keys(value)
  const name =
    keys.length === 1 && envelopeNames.has(keys[0]!)
      ? keys[0]
      : argumentNames.find((one) => keys.includes(one) && keys.every((key) => key === one || callNames.has(key)))
  if (name === undefined || namesOf(schema).has(name)) return undefined
  const inner = value[name]
  if (typeof inner !== 'string') return typeof inner === 'object' && inner !== null ? inner : undefined
  // OpenAI's form of a call has its arguments as text.
  return name === 'arguments' ? parsed(inner) : undefined
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isNode(value) ? value : undefined
  } catch {
    return undefined
  }
}

const names = new WeakMap<object, ReadonlySet<string>>()

/** The names of all properties that a schema describes, at any depth. */
function namesOf(schema: JsonSchema): ReadonlySet<string> {
  let known = names.get(schema)
  if (known === undefined) {
    const all = new Set<string>()
    const open: unknown[] = [compileSchema(schema).schema]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (typeof next !== 'object' || next === null) continue
      const properties: unknown = isNode(next) ? next['properties'] : undefined
      if (isNode(properties)) for (const name of Object.keys(properties)) all.add(name)
      for (const inner of Object.values(next)) if (typeof inner === 'object' && inner !== null) open.push(inner)
    }
    known = all
    names.set(schema, known)
  }
  return known
}

/** Whether a value is the schema that the model was sent. By a schema that requires nothing, that would be a valid answer. */
export function isSchemaItself(value: unknown, schema: JsonSchema): boolean {
  if (!isNode(value) || !(isNode(value['properties']) || '$defs' in value || 'definitions' in value)) return false
  return (
    isDeepStrictEqual(value, schema) ||
    isDeepStrictEqual(value, compileSchema(schema).schema) ||
    isDeepStrictEqual(value, toStrictSchema(schema).schema)
  )
}
