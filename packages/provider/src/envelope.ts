import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from '@sluice/contract/extractor'
import { toStrictSchema } from '@sluice/schema/strict'
import { isNode } from '@sluice/schema/subschemas'
import { compileSchema } from '@sluice/schema/validator'
import type { Pace } from './pace.ts'
import { parseAnswer } from './parse-answer.ts'

/** Names that models give to a property that holds nothing but their answer. */
const envelopeNames = new Set(
  'answer data result results output response json extraction extracted extracted_data final_answer tool_calls tool_call function_call functionCall toolUse arguments parameters input args'.split(
    ' ',
  ),
)
/** What a call of a tool has beside its arguments, in the forms of OpenAI, Anthropic, Google, Amazon, Cohere and Mistral. */
const callNames = new Set(
  'name tool tool_name type id index function call_id tool_call_id tool_use_id toolUseId role status'.split(' '),
)
const argumentNames = [
  'arguments',
  'parameters',
  'input',
  'args',
  'function',
  'tool_calls',
  'tool_call',
  'function_call',
  'functionCall',
  'toolUse',
]
const mostEnvelopes = 4

/**
 * What is in the envelope that a model puts around its answer: `{"answer": ...}`, `{"data": ...}`, a call of a tool, a list of one. Each layer
 * from the outside in; none where the schema itself has a property of that name, because then it is not certain which of the two is meant.
 */
export async function insideEnvelopes(value: unknown, schema: JsonSchema, pace: Pace): Promise<unknown[]> {
  const inside: unknown[] = []
  let outer = value
  while (inside.length < mostEnvelopes) {
    const inner = await insideOne(outer, schema, pace)
    if (inner === undefined) break
    inside.push(inner)
    outer = inner
  }
  return inside
}

async function insideOne(value: unknown, schema: JsonSchema, pace: Pace): Promise<unknown> {
  if (Array.isArray(value)) return value.length === 1 && isNode(value[0]) ? value[0] : undefined
  if (!isNode(value)) return undefined
  const known = namesOf(schema)
  // A part of a call that is null is not used: `{"content": null, "tool_calls": [...]}`.
  const keys = Object.keys(value).filter((key) => value[key] !== null || known.has(key))
  const name =
    keys.length === 1 && envelopeNames.has(keys[0]!)
      ? keys[0]
      : argumentNames.find((one) => keys.includes(one) && keys.every((key) => key === one || callNames.has(key)))
  if (name === undefined || known.has(name)) return undefined
  const inner = value[name]
  if (typeof inner !== 'string') return typeof inner === 'object' && inner !== null ? inner : undefined
  // OpenAI's form of a call has its arguments as text.
  return name === 'arguments' ? onlyValue(inner, pace) : undefined
}

/** Read by the same rules as an answer: a key that is given twice, or a number that would be rounded, is a fault in here as well. */
async function onlyValue(text: string, pace: Pace): Promise<unknown> {
  const { values, fault } = await parseAnswer(text, pace)
  const [only] = values
  return values.length === 1 && fault === null && isNode(only?.value) ? only.value : undefined
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
