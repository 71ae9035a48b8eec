import type { JsonSchema } from '@sluice/contract/extractor'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'

/** Types whose values JSON cannot represent, neither in an answer of a model nor in a result. */
const notJson: ReadonlySet<string> = new Set(['map', 'set', 'nan', 'bigint', 'symbol', 'function', 'file'])
/** Flags of a RegExp that change what its source matches; JSON Schema cannot express them. */
const meaningfulFlags = /[imsvy]/

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>

/**
 * The input side as JSON Schema, because the model writes what the schema reads: before defaults, coercion and transforms.
 * Throws a ConfigError for types that JSON cannot represent, on the input side and, as far as their types are known, in what transforms return.
 */
export function toJsonSchema(name: string, schema: z.ZodType): JsonSchema {
  refuseOutput(name, schema)
  const json = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: ({ message, path }) => {
      throw refused(name, path, `${message}. The model answers in JSON: describe that form and transform it`)
    },
    override: (context) => {
      refuseMisdescribed(name, context)
      describeFlags(context)
      dropInfiniteBounds(context)
    },
  })
  // Through text, so that it equals what is read from the ledger.
  const plain = JSON.parse(JSON.stringify(json)) as JsonSchema
  encodeReferences(name, plain)
  return plain
}

/** The output of codecs and pipes has a known type; what a transform returns is checked when it runs. */
function refuseOutput(name: string, schema: z.ZodType): void {
  z.toJSONSchema(schema, {
    io: 'output',
    unrepresentable: ({ zodSchema, message, path }) => {
      const { type } = zodSchema._zod.def
      if (notJson.has(type) || /bigint/i.test(message))
        throw refused(
          name,
          path,
          `${message}, and a result is stored as JSON: transform it into a string, a number, a list or an object`,
        )
      return 'any'
    },
    override: (context) => refuseMisdescribed(name, context),
  })
}

/** Types whose JSON Schema differs from the values that they read: zod describes a file as a text of binary format, `success` as a boolean. */
function refuseMisdescribed(name: string, { zodSchema, path }: Parameters<Override>[0]): void {
  const { type } = zodSchema._zod.def
  if (type === 'file')
    throw refused(
      name,
      path,
      'File cannot be represented in JSON. The model answers in JSON: describe that form and transform it',
    )
  if (type === 'success') throw refused(name, path, 'Success cannot be shown to a model: use the schema inside of it')
}

/** zod writes only the source of a regular expression. Without its flags, such as `i`, the model would get another pattern, so the description has it. */
function describeFlags({ zodSchema, jsonSchema }: Parameters<Override>[0]): void {
  const { patterns } = zodSchema._zod.bag as { patterns?: ReadonlySet<RegExp> }
  const flagged = [...(patterns ?? [])].filter(({ flags }) => meaningfulFlags.test(flags))
  if (flagged.length === 0) return
  const sources = new Set(flagged.map(({ source }) => source))
  if (typeof jsonSchema.pattern === 'string' && sources.has(jsonSchema.pattern)) delete jsonSchema.pattern
  if (Array.isArray(jsonSchema.allOf)) {
    const kept = jsonSchema.allOf.filter(({ pattern }) => !(typeof pattern === 'string' && sources.has(pattern)))
    if (kept.length > 0) jsonSchema.allOf = kept
    else delete jsonSchema.allOf
  }
  const said = flagged.map((pattern) => `matches ${String(pattern)}`).join(' and ')
  jsonSchema.description = jsonSchema.description === undefined ? said : `${jsonSchema.description} (${said})`
}

function dropInfiniteBounds({ jsonSchema }: Parameters<Override>[0]): void {
  for (const bound of ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const)
    if (typeof jsonSchema[bound] === 'number' && !Number.isFinite(jsonSchema[bound])) delete jsonSchema[bound]
}

/** An id may have any characters; in a reference they must be percent-encoded. */
function encodeReferences(name: string, schema: JsonSchema): void {
  const open: unknown[] = [schema]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue
    const node = next as Record<string, unknown>
    const { $ref: reference } = node
    if (typeof reference === 'string' && reference.startsWith('#/$defs/')) {
      if (!reference.isWellFormed())
        throw refused(name, [], `the id ${JSON.stringify(reference.slice(8))} is not valid Unicode`)
      node['$ref'] = `#${reference.slice(1).split('/').map(encodeURIComponent).join('/')}`
    }
    open.push(...Object.values(node))
  }
}

/** A type that cannot be used. The caller, who knows the source, adds the line. */
export class UnusableTypeError extends ConfigError {
  /** Path in the JSON Schema: keywords, and names of properties. */
  readonly path: readonly (string | number)[]
  constructor(name: string, path: readonly (string | number)[], why: string) {
    super([`extractor '${name}': #${path.map((key) => `/${key}`).join('')}: ${why}.`])
    this.path = path
  }
}

/**
 * The line of a configuration file, counted from 1, that most likely declares what is at a path of an extractor's schema: the nearest one
 * after the extractor's name that declares the property, otherwise the nearest before it, otherwise the line of the name itself.
 */
export function declaringLine(source: string, name: string, path: readonly (string | number)[]): number | null {
  const lines = source.split('\n')
  const named = lines.findIndex((line) => /\bname\b/.test(line) && new RegExp(`['"\`]${name}['"\`]`).test(line))
  const property = path.filter((_, i) => path[i - 1] === 'properties').at(-1)
  const declares = lines.flatMap((line, i) =>
    property !== undefined &&
    line.split(/[\s,{]+/).some((text) => [`${property}:`, `'${property}':`, `"${property}":`].includes(text))
      ? [i]
      : [],
  )
  const found = declares.find((line) => line >= named) ?? declares.at(-1) ?? named
  return found === -1 ? null : found + 1
}

function refused(name: string, path: readonly (string | number)[], why: string): ConfigError {
  return new UnusableTypeError(name, path, why)
}
