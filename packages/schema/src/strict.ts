import { SchemaIssueError } from './schema-issue.ts'
import { normalisedOf, normalisedOrSame } from './normalised.ts'
import { createConverter, decodeReference } from './strict-convert.ts'
import { NotStrictError } from './strict-error.ts'
import { refuseCircles, refuseTooLarge } from './strict-limits.ts'
import { createMerger, isOnlyAnnotated } from './strict-merge.ts'
import { isNode, own, resolveLocal, subschemas, type SchemaNode } from './subschemas.ts'

export type StrictSchema = {
  readonly schema: SchemaNode
  /** Providers take only an object at the root: the value is its only property, `value`. */
  readonly wrapped: boolean
} & (
  | { readonly strict: true }
  /** The author's schema, for a request without `strict`. */
  | {
      readonly strict: false
      /** What is at the pointer, as in `has patternProperties`. */
      readonly reason: string
      /** JSON pointer into the author's schema, '' for its root. */
      readonly pointer: string
    }
)

/** References that lead from the root to the schema that it means. */
const mostReferences = 20

/**
 * The form of a schema that strict structured output takes: every object closed, every property required, the optional ones nullable
 * (`dropAddedNulls` undoes that on the answer), keywords that strict mode does not know in the description. Where a schema allows values that
 * strict mode cannot express, it stays as it is, with the reason. One loss is accepted: an object without `additionalProperties` is closed, so
 * an answer has no properties that the schema does not name.
 */
export function toStrictSchema(schema: SchemaNode): StrictSchema {
  const normalised = normalisedOf(schema)
  if (normalised instanceof SchemaIssueError) {
    return { strict: false, schema, wrapped: false, pointer: normalised.pointer, reason: normalised.message }
  }
  try {
    const strict = convertRoot(normalised.schema)
    refuseTooLarge(strict.schema)
    refuseCircles(strict.schema)
    return { strict: true, ...strict }
  } catch (error) {
    if (!(error instanceof NotStrictError)) throw error
    const { pointer, message } = error
    return {
      strict: false,
      ...toObjectSchema(schema),
      pointer: normalised.origins.get(pointer) ?? pointer,
      reason: message,
    }
  }
}

function convertRoot(root: SchemaNode): { schema: SchemaNode; wrapped: boolean } {
  // A root that only refers to a definition is that definition: recursive models of pydantic are written so.
  let node = root
  let pointer = ''
  for (
    let i = 0;
    i < mostReferences && typeof own(node, '$ref') === 'string' && isOnlyAnnotated(node, '$ref');
    i += 1
  ) {
    const reference = String(node['$ref'])
    const target = resolveLocal(root, reference)
    if (!isNode(target)) throw new NotStrictError(pointer, `refers to ${reference}, where there is no schema`)
    node = target
    pointer = decodeReference(reference)
  }
  const merger = createMerger(root)
  if (isObject(merger.flatten(node, pointer))) {
    const converter = createConverter(root, pointer, merger)
    const schema = converter.convert(node, pointer, 1)
    return { schema: withDefinitions(schema, converter.definitions()), wrapped: false }
  }
  const converter = createConverter(root, null, merger)
  const schema = wrap(converter.convert(node, pointer, 2))
  return { schema: withDefinitions(schema, converter.definitions()), wrapped: true }
}

function withDefinitions(schema: SchemaNode, definitions: Readonly<Record<string, SchemaNode>>): SchemaNode {
  return Object.keys(definitions).length === 0 ? schema : { ...schema, $defs: definitions }
}

function isObject(schema: SchemaNode): boolean {
  const types = [own(schema, 'type')].flat()
  return (
    types.length === 1 && types[0] === 'object' && !Object.hasOwn(schema, 'anyOf') && !Object.hasOwn(schema, 'oneOf')
  )
}

function wrap(schema: unknown): SchemaNode {
  return { type: 'object', properties: { value: schema }, required: ['value'], additionalProperties: false }
}

/** The author's schema as JSON Schema 2020-12 with an object at its root: providers want both without strict mode, too. */
export function toObjectSchema(author: SchemaNode): { readonly schema: SchemaNode; readonly wrapped: boolean } {
  const schema = normalisedOrSame(author)
  if (own(schema, 'type') === 'object') return { schema, wrapped: false }
  return { schema: wrap(moveReferences(schema, '/properties/value')), wrapped: true }
}

/** The schema at another place: its references are changed so that they lead there. */
function moveReferences(schema: unknown, prefix: string): unknown {
  if (!isNode(schema)) return schema
  const moved: SchemaNode = structuredClone(schema)
  const open: SchemaNode[] = [moved]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const reference = own(next, '$ref')
    if (typeof reference === 'string' && /^#(?:\/|$)/.test(reference)) next['$ref'] = `#${prefix}${reference.slice(1)}`
    for (const { schema: inner } of subschemas(next)) if (isNode(inner)) open.push(inner)
  }
  return moved
}

/** The value of an answer to a wrapped schema; an answer without the wrapping is the value itself. */
export function unwrap(answer: unknown): unknown {
  return isNode(answer) && Object.hasOwn(answer, 'value') && Object.keys(answer).length === 1 ? answer['value'] : answer
}
