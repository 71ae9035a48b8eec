import { LRUCache } from 'lru-cache'
import { type Budget, createBudget, TooMuchWorkError } from './budget.ts'
import { addErrorLines } from './error-lines.ts'
import { createRun, matches, type Run, TooDeepError } from './evaluate.ts'
import { normalise } from './normalise.ts'
import { compileRules, type ProgramOptions, type Rule } from './program.ts'
import { escapePointer, type SchemaNode } from './subschemas.ts'

export type Validation =
  | { readonly valid: true }
  /** One line each, `/path: what is wrong; got <value>`, at most 20. */
  | { readonly valid: false; readonly errors: readonly string[] }

export interface Validator {
  /** JSON Schema 2020-12 with local references only; pointers of `isValidAt` go into it. */
  readonly schema: SchemaNode
  /** Takes at most `stepLimit` steps, and as many again for the lines of errors. */
  validate(value: unknown): Validation
  /** A check of several values against parts of the schema, with one budget for all of them. */
  startCheck(budget?: Budget): PartCheck
  /** Whether a value is valid against a part of the schema, by JSON pointer (`/properties/a/anyOf/1`). False where the budget ends. */
  isValidAt(pointer: string, value: unknown): boolean
}

export interface PartCheck {
  isValidAt(pointer: string, value: unknown): boolean
}

/** Answers are read by JSON.parse, which takes any depth; no model writes more than this. */
const mostLevels = 500

const cachedBytes = 32 * 1024 * 1024
const byContent = new LRUCache<string, Validator>({
  maxSize: cachedBytes,
  // Rules take some ten times the text that they are made of.
  sizeCalculation: (_, text) => text.length * 10 + 1_000,
})
const byObject = new WeakMap<object, Validator>()

/**
 * The validator of a schema that passed `checkSchema`; compiled once for each content: inline recipes of many batches share it.
 * Throws for a schema that did not pass.
 */
export function compileSchema(schema: SchemaNode): Validator {
  let validator = byObject.get(schema)
  if (validator === undefined) {
    const text = JSON.stringify(schema)
    validator = byContent.get(text)
    if (validator === undefined) {
      validator = createValidator(schema)
      byContent.set(text, validator)
    }
    byObject.set(schema, validator)
  }
  return validator
}

/** As `compileSchema`, without the cache. */
export function createValidator(schema: SchemaNode, options: ProgramOptions = { formats: 'assert' }): Validator {
  const normalised = normalise(schema).schema
  return validatorOf(normalised, compileRules(normalised, options))
}

export function validatorOf(schema: SchemaNode, rules: ReadonlyMap<string, Rule>): Validator {
  const root = rules.get('')!
  const startCheck = (budget = createBudget()): PartCheck => {
    const run = createRun(budget)
    return {
      isValidAt(pointer, value) {
        const rule = rules.get(pointer)
        return rule !== undefined && (within(() => matches(run, rule, value)) ?? false)
      },
    }
  }
  return {
    schema,
    validate: (value) => validate(root, value),
    startCheck,
    isValidAt: (pointer, value) => startCheck().isValidAt(pointer, value),
  }
}

function validate(root: Rule, value: unknown): Validation {
  const budget = createBudget()
  const problem = unfit(value)
  if (problem !== null) return { valid: false, errors: [problem] }
  const run = createRun(budget)
  const valid = within(() => matches(run, root, value))
  if (valid === true) return { valid: true }
  if (valid === null) return { valid: false, errors: [tooMuch] }
  // What is known so far is kept: the lines look at the same pairs of rule and value.
  const explaining: Run = { ...run, budget: createBudget(), depth: 0 }
  const lines = new Set<string>()
  within(() => addErrorLines(lines, explaining, root, value))
  return {
    valid: false,
    errors: lines.size > 0 ? [...lines] : ['/: is not valid by the schema, and too large to say where'],
  }
}

const tooMuch = '/: takes too long to check; answer with less'

/** Null where the budget ends, or the stack. */
function within<T>(work: () => T): T | null {
  try {
    return work()
  } catch (error) {
    if (error instanceof TooMuchWorkError || error instanceof TooDeepError || error instanceof RangeError) return null
    throw error
  }
}

/** What no schema is asked about: values that cannot be stored as they are, and depth that nothing after this can walk. Without recursion. */
function unfit(value: unknown): string | null {
  if (typeof value === 'number' && !Number.isFinite(value)) return notFinite('')
  if (typeof value !== 'object' || value === null) return null
  const open: { value: object; level: number; path: () => string }[] = [{ value, level: 1, path: () => '' }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: parent, level, path } = next
    if (level > mostLevels) return `/: is nested more than ${mostLevels} levels deep`
    for (const key in parent) {
      const inner = (parent as Record<string, unknown>)[key]
      const at = () => `${path()}/${escapePointer(key)}`
      if (typeof inner === 'number' && !Number.isFinite(inner)) return notFinite(at())
      if (typeof inner === 'object' && inner !== null) open.push({ value: inner, level: level + 1, path: at })
    }
  }
  return null
}

function notFinite(path: string): string {
  return `${path === '' ? '/' : path}: is a number that is too large to be stored`
}
