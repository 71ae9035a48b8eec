import { isDeepStrictEqual } from 'node:util'
import { createBudget } from './budget.ts'
import { canonical } from './canonical.ts'
import { NotStrictError } from './strict-error.ts'
import { isNode, own, resolveLocal, type SchemaNode } from './subschemas.ts'

/** Keywords that say something about a schema and constrain no value. */
const annotations: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  'id',
  '$anchor',
  '$comment',
  '$vocabulary',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'examples',
  'example',
  'deprecated',
  'readOnly',
  'writeOnly',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
  'externalDocs',
  'discriminator',
  'xml',
])

/** References that lead to references; more is a circle. */
const mostReferences = 50

/** Whether a schema constrains nothing but what it refers to or combines. */
export function isOnlyAnnotated(schema: SchemaNode, besides: string): boolean {
  return Object.keys(schema).every(
    (keyword) => keyword === besides || annotations.has(keyword) || keyword.startsWith('x-'),
  )
}

export interface Merger {
  /** See `flatten`. */
  flatten(schema: SchemaNode, pointer: string): SchemaNode
}

/** Looks at keywords, properties and values while schemas are merged; all together for one schema. Real schemas take a few hundred. */
const mostSteps = 30_000

interface Merging {
  readonly root: SchemaNode
  steps: number
}

/** Merges schemas of one root, with one limit for all of them: `allOf` in `allOf` can stand for any number of schemas. */
export function createMerger(root: SchemaNode): Merger {
  const merging: Merging = { root, steps: mostSteps }
  return { flatten: (schema, pointer) => flatten(merging, schema, pointer) }
}

function spend(merging: Merging, steps: number): void {
  merging.steps -= steps
  if (merging.steps < 0) throw new NotStrictError('', 'combines too many schemas by allOf and $ref')
}

/**
 * One schema for a schema and all that it combines by `allOf` and `$ref`, where one can be made that means the same. The result has no
 * `allOf`, and a `$ref` only where nothing but annotations is beside it. Throws a NotStrictError otherwise.
 */
function flatten(merging: Merging, schema: SchemaNode, pointer: string, depth = 0): SchemaNode {
  const { root } = merging
  // Before 2019-09 a reference is all that counts.
  const alone = own(schema, '$ref')
  if (typeof alone === 'string' && isOldDraft(root)) return { ...split(schema).annotation, $ref: alone }
  if (depth > mostReferences) throw new NotStrictError(pointer, 'combines too many schemas by allOf and $ref')
  const { allOf, ...rest } = schema
  const members = allOf === undefined ? [] : allOf
  if (!Array.isArray(members)) throw new NotStrictError(pointer, 'has an allOf that is no list')
  const constraining = members.filter((member) => !(member === true || (isNode(member) && isOnlyAnnotated(member, ''))))
  const { annotation, constraint } = split(rest)
  const parts: unknown[] = Object.keys(constraint).length === 0 ? constraining : [constraint, ...constraining]
  if (parts.length === 0) return rest
  const [only] = parts
  if (parts.length === 1 && isNode(only)) {
    if (only === constraint && !hasMoreThanReference(constraint)) return rest
    if (!Object.hasOwn(only, '$ref') || isOnlyAnnotated(only, '$ref')) {
      return Object.hasOwn(only, 'allOf')
        ? flatten(merging, { ...only, ...annotation }, pointer, depth + 1)
        : { ...only, ...annotation }
    }
  }
  const merged = parts
    .map((part) => (part === constraint ? expand : expandPart)(merging, part, pointer, depth + 1))
    .reduce((a, b) => merge(merging, a, b, pointer))
  return { ...merged, ...annotation }
}

function isOldDraft(root: SchemaNode): boolean {
  const draft = own(root, '$schema')
  return typeof draft === 'string' && /draft-0[3-7]/.test(draft)
}

function hasMoreThanReference(constraint: SchemaNode): boolean {
  return Object.hasOwn(constraint, '$ref') && Object.keys(constraint).length > 1
}

function split(schema: SchemaNode): { annotation: SchemaNode; constraint: SchemaNode } {
  const entries = Object.entries(schema)
  const isAnnotation = (keyword: string) => annotations.has(keyword) || keyword.startsWith('x-')
  return {
    annotation: Object.fromEntries(entries.filter(([keyword]) => isAnnotation(keyword))),
    constraint: Object.fromEntries(entries.filter(([keyword]) => !isAnnotation(keyword))),
  }
}

/** A part whose `unevaluatedProperties` does not see the other parts. */
function expandPart(merging: Merging, part: unknown, pointer: string, depth: number): SchemaNode {
  const expanded = expand(merging, part, pointer, depth)
  for (const keyword of ['unevaluatedProperties', 'unevaluatedItems'])
    if (Object.hasOwn(expanded, keyword))
      throw new NotStrictError(pointer, `combines schemas of which one has ${keyword}`)
  return expanded
}

/** A part with what it refers to in its place. */
function expand(merging: Merging, part: unknown, pointer: string, depth: number): SchemaNode {
  spend(merging, 1)
  if (!isNode(part)) throw new NotStrictError(pointer, 'combines a schema that allows no value')
  const { $ref: reference, ...rest } = part
  if (typeof reference !== 'string') return flatten(merging, part, pointer, depth)
  const target = resolveLocal(merging.root, reference)
  if (!isNode(target)) throw new NotStrictError(pointer, `refers to ${reference}, where there is no schema`)
  const { $defs: _defs, definitions: _definitions, $schema: _schema, $id: _id, ...found } = target
  const whole = flatten(
    merging,
    Object.hasOwn(found, '$ref') ? expand(merging, found, pointer, depth + 1) : found,
    pointer,
    depth + 1,
  )
  if (Object.keys(rest).length === 0) return whole
  return merge(
    merging,
    expandPart(merging, whole, pointer, depth + 1),
    flatten(merging, rest, pointer, depth + 1),
    pointer,
  )
}

type Combine = (a: unknown, b: unknown) => unknown

const larger: Combine = (a, b) => Math.max(Number(a), Number(b))
const smaller: Combine = (a, b) => Math.min(Number(a), Number(b))
const both: Combine = (a, b) => ({ allOf: [a, b] })

/** How two values of a keyword become one that allows what both allow. */
const combined: Readonly<Record<string, Combine>> = {
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  uniqueItems: (a, b) => a === true || b === true,
  required: (a, b) => [...new Set([a, b].flat())],
  enum: commonValues,
  items: both,
  // Written into the description only.
  not: (a, b) => ({ anyOf: [a, b] }),
  propertyNames: both,
}

/** By their texts: two lists of 20,000 values would be 400 million comparisons. */
function commonValues(a: unknown, b: unknown): unknown[] {
  const unbounded = createBudget(Number.POSITIVE_INFINITY)
  const keys = new Set((b as unknown[]).map((value) => canonical(value, unbounded)))
  return (a as unknown[]).filter((value) => keys.has(canonical(value, unbounded)))
}

function isEqual(merging: Merging, a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object') return false
  // One may be much larger than what is equal in them.
  spend(merging, Math.min(sizeOf(a, merging.steps + 1), sizeOf(b, merging.steps + 1)))
  return isDeepStrictEqual(a, b)
}

/** The values in a value, counted no further than `most`. */
function sizeOf(value: unknown, most: number): number {
  const open: unknown[] = [value]
  let count = 0
  for (let next = open.pop(); next !== undefined && count < most; next = open.pop()) {
    count += 1
    if (typeof next !== 'object' || next === null) continue
    for (const inner of Object.values(next)) open.push(inner)
  }
  return count
}

/** Both at once. Throws where no one schema of these keywords means that. */
function merge(merging: Merging, a: SchemaNode, b: SchemaNode, pointer: string): SchemaNode {
  const merged: SchemaNode = { ...a }
  spend(merging, Object.keys(a).length)
  for (const [keyword, value] of Object.entries(b)) {
    spend(merging, 1)
    if (!Object.hasOwn(a, keyword) || isEqual(merging, a[keyword], value)) merged[keyword] = value
    else if (keyword === 'description') merged[keyword] = `${String(a[keyword])} ${String(value)}`
    else if (annotations.has(keyword) || keyword.startsWith('x-')) continue
    else if (keyword === 'type') merged[keyword] = commonTypes(a[keyword], value, pointer)
    else if (keyword === 'properties') merged[keyword] = mergeProperties(merging, a[keyword], value)
    else if (Object.hasOwn(combined, keyword)) merged[keyword] = combined[keyword]!(a[keyword], value)
    else throw new NotStrictError(pointer, `combines schemas that differ in ${keyword}`)
  }
  refuseClosedParts(a, b, pointer)
  return merged
}

function commonTypes(a: unknown, b: unknown, pointer: string): string | string[] {
  const [first, second] = [[a].flat().map(String), [b].flat().map(String)]
  const types = [
    ...first.filter((type) => second.includes(type) || (type === 'integer' && second.includes('number'))),
    ...second.filter((type) => type === 'integer' && !first.includes('integer') && first.includes('number')),
  ]
  if (types.length === 0) throw new NotStrictError(pointer, 'combines schemas of different types')
  return types.length === 1 ? types[0]! : types
}

function mergeProperties(merging: Merging, a: unknown, b: unknown): unknown {
  if (!isNode(a) || !isNode(b)) return a
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  spend(merging, names.length)
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.hasOwn(a, name) && Object.hasOwn(b, name) ? both(a[name], b[name]) : (own(a, name) ?? b[name]),
    ]),
  )
}

/** `additionalProperties` is about the properties beside it, not about those of the other part. */
function refuseClosedParts(a: SchemaNode, b: SchemaNode, pointer: string): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    if ((own(one, 'additionalProperties') ?? true) === true) continue
    const [mine, theirs] = [own(one, 'properties'), own(other, 'properties')]
    if (isNode(theirs) && Object.keys(theirs).some((name) => !(isNode(mine) && Object.hasOwn(mine, name))))
      throw new NotStrictError(pointer, 'combines schemas of which one closes its object by additionalProperties')
  }
}
