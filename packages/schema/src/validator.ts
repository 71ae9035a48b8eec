import { LRUCache } from 'lru-cache'
import { type Budget, createBudget, createEffort, type Effort, spend, TooMuchWorkError } from './budget.ts'
import { addErrorLines } from './error-lines.ts'
import { createRun, keySteps, matches, type Run, TooDeepError } from './evaluate.ts'
import { normalise } from './normalise.ts'
import { compileRules, type ProgramOptions, type Rule, statesOf } from './program.ts'
import { escapePointer, type SchemaNode } from './subschemas.ts'

type Validation =
  | { readonly valid: true }
  /** One line each, `/path: what is wrong; got <value>`, at most 20. */
  | { readonly valid: false; readonly errors: readonly string[] }

export interface Validator {
  /** JSON Schema 2020-12 with local references only; pointers of `isValidAt` go into it. */
  readonly schema: SchemaNode
  /** Takes at most `stepLimit` steps, and as many again for the lines of errors; `effort` is shared by the values of one answer. */
  validate(value: unknown, effort?: Effort): Validation
  /** A check of several values against parts of the schema, with one budget for all of them. */
  startCheck(budget?: Budget): PartCheck
  /** Whether a value is valid against a part of the schema, by JSON pointer (`/properties/a/anyOf/1`). False where the budget ends. */
  isValidAt(pointer: string, value: unknown): boolean
}

interface PartCheck {
  isValidAt(pointer: string, value: unknown): boolean
}

/** Answers are read by JSON.parse, which takes any depth; no model writes more than this. */
const mostLevels = 256

interface Kept {
  readonly validator: Validator
  readonly states: number
}

const cachedBytes = 64 * 1024 * 1024
const byContent = new LRUCache<string, Kept>({
  maxSize: cachedBytes,
  // Rules take some ten times the text that they are made of, and a state of a pattern 100 bytes.
  sizeCalculation: ({ states }, text) => text.length * 10 + states * 100 + 1_000,
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
    validator = byContent.get(text)?.validator
    if (validator === undefined) {
      const normalised = normalise(schema).schema
      const rules = compileRules(normalised, { formats: 'assert' })
      validator = validatorOf(normalised, rules)
      byContent.set(text, { validator, states: statesOf(rules) })
    }
    byObject.set(schema, validator)
  }
  return validator
}

/** A schema of any dialect as JSON Schema 2020-12 with local references only, which is what goes to a provider. Throws as `compileSchema` does. */
export function normalisedSchema(schema: SchemaNode): SchemaNode {
  return compileSchema(schema).schema
}

/** As `compileSchema`, without the cache. */
export function createValidator(schema: SchemaNode, options: ProgramOptions = { formats: 'assert' }): Validator {
  const normalised = normalise(schema).schema
  return validatorOf(normalised, compileRules(normalised, options))
}

function validatorOf(schema: SchemaNode, rules: ReadonlyMap<string, Rule>): Validator {
  const root = rules.get('')!
  const startCheck = (budget = createBudget()): PartCheck => {
    const run = createRun(budget)
    return {
      isValidAt(pointer, value) {
        const rule = rules.get(pointer)
        return rule !== undefined && (attempt(() => matches(run, rule, value)).value ?? false)
      },
    }
  }
  return {
    schema,
    validate: (value, effort = createEffort()) => validate(root, value, effort),
    startCheck,
    isValidAt: (pointer, value) => startCheck().isValidAt(pointer, value),
  }
}

function validate(root: Rule, value: unknown, { verdicts: budget, lines: linesBudget }: Effort): Validation {
  const problem = attempt(() => unfit(value, budget))
  if (typeof problem.value === 'string') return { valid: false, errors: [problem.value] }
  const run = createRun(budget)
  const verdict = problem.ended === null ? attempt(() => matches(run, root, value)) : problem
  if (verdict.ended !== null) return { valid: false, errors: [verdict.ended] }
  if (verdict.value) return { valid: true }
  // What is known so far is kept: the lines look at the same pairs of rule and value.
  const explaining: Run = { ...run, budget: linesBudget, depth: 0 }
  const lines = new Set<string>()
  attempt(() => addErrorLines(lines, explaining, root, value))
  return {
    valid: false,
    errors: lines.size > 0 ? [...lines] : ['/: is not valid by the schema, and too large to say where'],
  }
}

/** What work gives, or the line that says why it did not end. */
type Attempt<T> = { readonly value: T; readonly ended: null } | { readonly value: null; readonly ended: string }

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work(), ended: null }
  } catch (error) {
    if (error instanceof TooMuchWorkError) return { value: null, ended: '/: takes too long to check; answer with less' }
    if (error instanceof TooDeepError || error instanceof RangeError)
      return { value: null, ended: '/: is nested too deep' }
    throw error
  }
}

/** What no schema is asked about: values that cannot be stored as they are, and depth that nothing after this can walk. Without recursion. */
function unfit(root: unknown, budget: Budget): string | null {
  if (typeof root === 'number' && !Number.isFinite(root)) return notFinite('')
  if (typeof root !== 'object' || root === null) return null
  const open: Open[] = [{ value: root, level: 1, key: '', parent: null }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, level } = next
    if (level > mostLevels) return `/: is nested more than ${mostLevels} levels deep`
    const keys = Array.isArray(value) ? null : Object.keys(value)
    if (keys !== null) spend(budget, keySteps(keys.length))
    const values: readonly unknown[] = keys === null ? (value as unknown[]) : Object.values(value)
    spend(budget, 1 + (keys === null ? values.length / 4 : 0))
    for (let i = 0; i < values.length; i += 1) {
      const inner = values[i]
      if (typeof inner === 'number' && !Number.isFinite(inner))
        return notFinite(`${pathOf(next)}/${escapePointer(keys?.[i] ?? String(i))}`)
      if (typeof inner === 'object' && inner !== null)
        open.push({ value: inner, level: level + 1, key: keys?.[i] ?? String(i), parent: next })
    }
  }
  return null
}

interface Open {
  readonly value: object
  readonly level: number
  readonly key: string
  readonly parent: Open | null
}

function pathOf(open: Open): string {
  return open.parent === null ? '' : `${pathOf(open.parent)}/${escapePointer(open.key)}`
}

function notFinite(path: string): string {
  return `${path === '' ? '/' : path}: is a number that is too large to be stored`
}
