import type { Dialect } from './dialect.ts'
import { isNode } from './subschemas.ts'

/** What a keyword's value has to be. */
export type Shape =
  | 'schema'
  | 'schemas'
  | 'map'
  | 'items'
  | 'dependencies'
  | 'additional'
  | 'number'
  | 'positive'
  | 'count'
  | 'boolean'
  | 'bound'
  | 'text'
  | 'names'
  | 'name-lists'
  | 'type'
  | 'list'
  | 'any'

const everywhere: Readonly<Record<string, Shape>> = {
  $schema: 'text',
  $ref: 'text',
  title: 'any',
  description: 'any',
  default: 'any',
  type: 'type',
  enum: 'list',
  multipleOf: 'positive',
  maximum: 'number',
  minimum: 'number',
  maxLength: 'count',
  minLength: 'count',
  pattern: 'text',
  maxItems: 'count',
  minItems: 'count',
  uniqueItems: 'boolean',
  maxProperties: 'count',
  minProperties: 'count',
  required: 'names',
  properties: 'map',
  patternProperties: 'map',
  additionalProperties: 'schema',
  allOf: 'schemas',
  anyOf: 'schemas',
  oneOf: 'schemas',
  not: 'schema',
  format: 'text',
  definitions: 'map',
}

const bounds: Readonly<Record<string, Shape>> = { exclusiveMaximum: 'number', exclusiveMinimum: 'number' }
const draft04: Readonly<Record<string, Shape>> = {
  ...everywhere,
  id: 'any',
  exclusiveMaximum: 'bound',
  exclusiveMinimum: 'bound',
  items: 'items',
  additionalItems: 'additional',
  dependencies: 'dependencies',
}
const draft06: Readonly<Record<string, Shape>> = {
  ...everywhere,
  ...bounds,
  $id: 'text',
  items: 'items',
  additionalItems: 'additional',
  dependencies: 'dependencies',
  const: 'any',
  contains: 'schema',
  propertyNames: 'schema',
  examples: 'any',
}
const draft07: Readonly<Record<string, Shape>> = {
  ...draft06,
  $comment: 'any',
  ...Object.fromEntries(['if', 'then', 'else'].map((keyword) => [keyword, 'schema'] as const)),
  readOnly: 'any',
  writeOnly: 'any',
  contentEncoding: 'any',
  contentMediaType: 'any',
}
const draft201909: Readonly<Record<string, Shape>> = {
  ...draft07,
  $defs: 'map',
  $anchor: 'text',
  $recursiveRef: 'text',
  $recursiveAnchor: 'boolean',
  $vocabulary: 'any',
  dependentSchemas: 'map',
  dependentRequired: 'name-lists',
  unevaluatedItems: 'schema',
  unevaluatedProperties: 'schema',
  minContains: 'count',
  maxContains: 'count',
  contentSchema: 'any',
  deprecated: 'any',
}
const {
  items: _items,
  additionalItems: _additional,
  $recursiveRef: _ref,
  $recursiveAnchor: _anchor,
  ...common
} = draft201909
const draft202012: Readonly<Record<string, Shape>> = {
  ...common,
  items: 'schema',
  prefixItems: 'schemas',
  $dynamicRef: 'text',
  $dynamicAnchor: 'text',
}
/** Annotations of OpenAPI, which change nothing about what is valid; known in all dialects, as generators write them everywhere. */
const openApiNotes = [
  'discriminator',
  'xml',
  'externalDocs',
  'example',
  'readOnly',
  'writeOnly',
  'deprecated',
  'examples',
  '$comment',
]

const tables: Readonly<Record<Dialect, Readonly<Record<string, Shape>>>> = {
  'draft-04': draft04,
  'draft-06': draft06,
  'draft-07': draft07,
  '2019-09': draft201909,
  '2020-12': draft202012,
  'openapi-3.0': { ...draft04, nullable: 'boolean', components: 'any' },
}

export function keywordsOf(dialect: Dialect): Readonly<Record<string, Shape>> {
  return tables[dialect]
}

export function isAnnotation(keyword: string): boolean {
  return openApiNotes.includes(keyword) || keyword.startsWith('x-') || keyword.startsWith('$comment')
}

const typeNames = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object']

/** What is wrong with a keyword's value, or null. Schemas inside are looked at when they are reached. */
export function shapeProblem(shape: Shape, value: unknown): string | null {
  const problem = (isRight: boolean, expected: string) => (isRight ? null : `must be ${expected}`)
  switch (shape) {
    case 'schema':
    case 'additional':
      return problem(isSchema(value), 'a schema: an object, true or false')
    case 'schemas':
      return problem(
        Array.isArray(value) && value.length > 0 && value.every(isSchema),
        'a list of schemas that is not empty',
      )
    case 'items':
      return problem(
        isSchema(value) || (Array.isArray(value) && value.every(isSchema)),
        'a schema or a list of schemas',
      )
    case 'map':
      return problem(isNode(value) && Object.values(value).every(isSchema), 'an object whose values are schemas')
    case 'dependencies':
      return problem(
        isNode(value) && Object.values(value).every((inner) => isSchema(inner) || isNames(inner)),
        'an object whose values are schemas or lists of names',
      )
    case 'number':
      return problem(typeof value === 'number' && Number.isFinite(value), 'number')
    case 'positive':
      return problem(typeof value === 'number' && value > 0 && Number.isFinite(value), 'a number greater than 0')
    case 'count':
      return problem(typeof value === 'number' && Number.isInteger(value) && value >= 0, 'a whole number of 0 or more')
    case 'boolean':
      return problem(typeof value === 'boolean', 'boolean')
    case 'bound':
      return problem(typeof value === 'boolean', 'true or false in this dialect, beside `minimum` or `maximum`')
    case 'text':
      return problem(typeof value === 'string', 'string')
    case 'names':
      return problem(isNames(value), 'array of strings')
    case 'name-lists':
      return problem(isNode(value) && Object.values(value).every(isNames), 'an object whose values are lists of names')
    case 'type': {
      const names: unknown[] = Array.isArray(value) ? value : [value]
      return problem(
        names.length > 0 && names.every((name) => typeNames.includes(name as string)),
        `one of ${typeNames.map((name) => JSON.stringify(name)).join(', ')}, or a list of them`,
      )
    }
    case 'list':
      return problem(Array.isArray(value), 'array')
    case 'any':
      return null
    default:
      return shape satisfies never
  }
}

export function isSchema(value: unknown): boolean {
  return typeof value === 'boolean' || isNode(value)
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}
