import { measureExpansion } from './expansion.ts'
import { patternProblem } from './pattern.ts'
import { escapePointer, isLocal, isNode, own, resolveLocal, subschemas, type SchemaNode } from './subschemas.ts'
import { TooSlowError } from './time-limit.ts'
import { compileAjv, draftOf, isKnownFormat, schemaErrors } from './validator.ts'

export interface SchemaIssue {
  /** JSON pointer into the schema, '' for its root. */
  readonly pointer: string
  readonly message: string
}

/** Bounds that keep every check of a schema, and every check by it, short. No hand-written schema comes near them. */
export const schemaLimits = { bytes: 65_536, levels: 64, subschemas: 5_000, enumValues: 2_000, inPlace: 5_000 } as const

const forbidden: Readonly<Record<string, string>> = {
  $async: 'asynchronous schemas are not supported; remove $async',
  $dynamicRef: 'dynamic references are not supported; use $ref',
  $dynamicAnchor: 'dynamic references are not supported; use $defs and $ref',
  $recursiveRef: "dynamic references are not supported; use $ref: '#'",
  $recursiveAnchor: "dynamic references are not supported; use $ref: '#'",
  $anchor: "anchors are not supported; name the schema by its pointer, as in '#/$defs/name'",
}

/** What is wrong with a JSON Schema as an extractor's schema, or null: valid, bounded, an object at the root, and nothing that could stall or fool a validator. */
export function checkSchema(schema: unknown): SchemaIssue | null {
  if (!isNode(schema))
    return { pointer: '', message: "must be a JSON Schema object, as in {type: 'object', properties: {...}}" }
  // Before anything that recurses looks at it.
  const shape = checkShape(schema)
  if (shape !== null) return shape
  if (JSON.stringify(schema).length > schemaLimits.bytes)
    return { pointer: '', message: `must be at most ${schemaLimits.bytes} characters of JSON` }
  const draft = draftOf(schema)
  if (draft === null)
    return {
      pointer: '/$schema',
      message: `draft '${String(schema['$schema'])}' is not supported; write JSON Schema 2020-12 and leave $schema out`,
    }
  if (own(schema, 'type') !== 'object') {
    return {
      pointer: '/type',
      message: `must be 'object' at the root, got ${JSON.stringify(schema['type']) ?? 'nothing'}; put a list into a property`,
    }
  }
  try {
    const [error] = schemaErrors(schema, draft)
    if (error !== undefined) return error
    const node = checkNodes(schema)
    if (node !== null) return node
    compileAjv(schema)
    return null
  } catch (error) {
    if (error instanceof TooSlowError) return { pointer: '', message: 'takes too long to compile; make it simpler' }
    return { pointer: '', message: error instanceof Error ? error.message : String(error) }
  }
}

/** Levels and dangerous keys, without recursion. */
function checkShape(schema: SchemaNode): SchemaIssue | null {
  const open: { value: object; pointer: string; level: number }[] = [{ value: schema, pointer: '', level: 1 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, pointer, level } = next
    if (level > schemaLimits.levels)
      return {
        pointer: pointer.split('/').slice(0, 8).join('/'),
        message: `is nested more than ${schemaLimits.levels} levels deep`,
      }
    for (const [key, inner] of Object.entries(value)) {
      const at = `${pointer}/${escapePointer(key)}`
      if (key === '__proto__') return { pointer: at, message: "must not be named '__proto__'" }
      if (typeof inner === 'object' && inner !== null)
        open.push({ value: inner as object, pointer: at, level: level + 1 })
    }
  }
  return null
}

function checkNodes(root: SchemaNode): SchemaIssue | null {
  let count = 0
  const open: { schema: unknown; pointer: string }[] = [{ schema: root, pointer: '' }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    count += 1
    if (count > schemaLimits.subschemas)
      return { pointer: '', message: `has more than ${schemaLimits.subschemas} subschemas` }
    const { schema, pointer } = next
    if (!isNode(schema)) continue
    const issue = checkNode(schema, pointer, root)
    if (issue !== null) return issue
    for (const inner of subschemas(schema)) open.push({ schema: inner.schema, pointer: pointer + inner.pointer })
  }
  const { inPlace } = measureExpansion(root)
  if (inPlace > schemaLimits.inPlace) {
    return {
      pointer: '',
      message: Number.isFinite(inPlace)
        ? 'combines too many schemas by allOf, anyOf, oneOf and $ref'
        : 'has a $ref that leads back to itself without going into a property or an item',
    }
  }
  return null
}

function checkNode(node: SchemaNode, pointer: string, root: SchemaNode): SchemaIssue | null {
  for (const [keyword, message] of Object.entries(forbidden))
    if (Object.hasOwn(node, keyword)) return { pointer: `${pointer}/${keyword}`, message }
  if (Object.hasOwn(node, '$id') && pointer !== '')
    return { pointer: `${pointer}/$id`, message: 'only the root may have an $id; remove it' }
  const reference = own(node, '$ref')
  if (typeof reference === 'string') {
    if (!isLocal(reference))
      return {
        pointer: `${pointer}/$ref`,
        message: `'${cut(reference)}' is not inside this schema; put it into $defs and write '#/$defs/name'`,
      }
    const target = resolveLocal(root, reference)
    if (!isNode(target) && typeof target !== 'boolean')
      return { pointer: `${pointer}/$ref`, message: `there is no schema at '${cut(reference)}'` }
  }
  const values = own(node, 'enum')
  if (Array.isArray(values) && values.length > schemaLimits.enumValues)
    return { pointer: `${pointer}/enum`, message: `has more than ${schemaLimits.enumValues} values` }
  const pattern = own(node, 'pattern')
  if (typeof pattern === 'string' && !isKnownFormat(own(node, 'format'))) {
    const problem = patternProblem(pattern)
    if (problem !== null) return { pointer: `${pointer}/pattern`, message: unusable(problem) }
  }
  const patterns = own(node, 'patternProperties')
  for (const key of isNode(patterns) ? Object.keys(patterns) : []) {
    const problem = patternProblem(key)
    if (problem !== null)
      return { pointer: `${pointer}/patternProperties/${escapePointer(key)}`, message: unusable(problem) }
  }
  return null
}

function unusable(problem: string): string {
  return `is not a pattern of RE2, which runs in linear time and has no look-around or back-references: ${problem}`
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
