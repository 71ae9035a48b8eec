import addFormats from 'ajv-formats'
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { errorLines } from './error-lines.ts'
import { measureExpansion } from './expansion.ts'
import { compilePattern, patternProblem } from './pattern.ts'
import { own, type SchemaNode } from './subschemas.ts'
import { runWithin, TooSlowError } from './time-limit.ts'

const compileLimitMs = 2_000
const validateLimitMs = 250
/** Below it a check is short by the size of the schema alone, and needs no clock. */
const smallExpansion = 10_000

export type Validation =
  | { readonly valid: true }
  /** One line each, `/path: what is wrong; got <value>`, at most 20. */
  | { readonly valid: false; readonly errors: readonly string[] }

export interface Validator {
  validate(value: unknown): Validation
  /** Whether a value is valid against a part of the schema, by JSON pointer (`/properties/a/anyOf/1`). */
  isValidAt(pointer: string, value: unknown): boolean
}

type Draft = '2020-12' | 'draft-07'

export function draftOf(schema: SchemaNode): Draft | null {
  const named = own(schema, '$schema')
  if (named === undefined) return '2020-12'
  if (typeof named !== 'string') return null
  if (/^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/.test(named)) return '2020-12'
  return /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/.test(named) ? 'draft-07' : null
}

const compiled = new WeakMap<object, Validator>()

/** The validator of a schema that passed `checkSchema`; compiled once for each schema object. Throws for one that did not. */
export function compileSchema(schema: SchemaNode): Validator {
  let validator = compiled.get(schema)
  if (validator === undefined) {
    validator = createValidator(schema)
    compiled.set(schema, validator)
  }
  return validator
}

function createValidator(schema: SchemaNode): Validator {
  const { ajv, check } = compileAjv(schema)
  const parts = new Map<string, ValidateFunction>()
  const isShort = measureExpansion(schema).whole <= smallExpansion && !JSON.stringify(schema).includes('"uniqueItems"')
  const run = <T>(work: () => T): T => (isShort ? work() : runWithin(validateLimitMs, work))
  return {
    validate(value) {
      try {
        if (run(() => check(value))) return { valid: true }
        return { valid: false, errors: errorLines(check.errors ?? [], schema, value) }
      } catch (error) {
        if (error instanceof TooSlowError)
          return { valid: false, errors: ['/: takes too long to check; answer with less'] }
        // Data nested so deep that a recursive schema exhausts the stack.
        if (error instanceof RangeError) return { valid: false, errors: ['/: is nested too deep'] }
        throw error
      }
    },
    isValidAt(pointer, value) {
      const reference = `${rootId}#${pointer.split('/').map(encodeURIComponent).join('/')}`
      const part = parts.get(pointer) ?? runWithin(compileLimitMs, () => ajv.getSchema(reference))
      if (part === undefined) return false
      parts.set(pointer, part)
      return run(() => part(value))
    },
  }
}

const rootId = 'sluice:schema'

// Never $data, coerceTypes, useDefaults or removeAdditional: they change or fool what is checked.
const options: Options = {
  strict: false,
  logger: false,
  allErrors: true,
  verbose: true,
  // `required: ['constructor']` is not met by what every object inherits.
  ownProperties: true,
  // Inlining compiled 32 KB of schema for 15 s.
  inlineRefs: false,
  multipleOfPrecision: 6,
  // Checked apart, so that its errors can be told by pointer.
  validateSchema: false,
  addUsedSchema: false,
  code: {
    // A pattern that RE2 cannot run passes checkSchema only beside a known format, which then says the same: zod's `email` does so.
    regExp: Object.assign(
      (pattern: string) =>
        patternProblem(pattern) === null
          ? linear(pattern)
          : { test: () => true, exec: () => null, toString: () => pattern },
      { code: 'linearPattern' },
    ),
  },
}

function linear(pattern: string) {
  const compiled = compilePattern(pattern)
  return { test: (text: string) => compiled.test(text), exec: () => null, toString: () => pattern }
}

function createAjv(draft: Draft): Ajv {
  const ajv = draft === 'draft-07' ? new Ajv(options) : new Ajv2020(options)
  addFormats.default(ajv)
  return ajv
}

/** An instance for each schema: a shared one leaks 41 KB a compile, and users' `$id`s collide in it. */
export function compileAjv(schema: SchemaNode) {
  // Its own id would be the base of its references; none is needed, as all are local.
  const { $id: _id, $schema: _schema, ...rest } = schema
  const ajv = createAjv(draftOf(schema) ?? '2020-12')
  return runWithin(compileLimitMs, () => {
    ajv.addSchema(rest, rootId)
    const check = ajv.getSchema(rootId)
    if (check === undefined) throw new Error('could not be compiled')
    return { ajv, check }
  })
}

const metaAjv = new Map<Draft, Ajv>()

/** Where a schema is not valid by its draft's own schema. */
export function schemaErrors(schema: SchemaNode, draft: Draft): { pointer: string; message: string }[] {
  let ajv = metaAjv.get(draft)
  if (ajv === undefined) {
    ajv = createAjv(draft)
    metaAjv.set(draft, ajv)
  }
  const { $id: _id, $schema: _schema, ...rest } = schema
  const meta =
    draft === 'draft-07' ? 'http://json-schema.org/draft-07/schema' : 'https://json-schema.org/draft/2020-12/schema'
  const valid = runWithin(compileLimitMs, () => ajv.validate(meta, rest))
  if (valid) return []
  return (ajv.errors ?? [])
    .toSorted(mostTelling)
    .map((error) => ({ pointer: error.instancePath, message: told(error) }))
}

/** The deepest; of those at one place the list of what is allowed. */
function mostTelling(a: ErrorObject, b: ErrorObject): number {
  return depth(b) - depth(a) || Number(b.keyword === 'enum') - Number(a.keyword === 'enum')
}

function depth(error: ErrorObject): number {
  return error.instancePath.split('/').length
}

function told(error: ErrorObject): string {
  if (error.keyword !== 'enum') return error.message ?? 'is not valid'
  const { allowedValues } = error.params as { allowedValues: unknown[] }
  return `must be one of ${allowedValues.map((value) => JSON.stringify(value)).join(', ')}`
}

const formats = createAjv('2020-12').formats

export function isKnownFormat(format: unknown): boolean {
  return typeof format === 'string' && Object.hasOwn(formats, format)
}
