import { createBudget, TooMuchWorkError } from './budget.ts'
import { createRun, matches, TooDeepError, typeOf } from './evaluate.ts'
import { anyType, type ObjectRule, type Rule, typeBits } from './program.ts'

const mostLooks = 200_000

/**
 * The pointer of a rule that no value can match although each instance of the schema needs one, or null. Conservative: what is not seen to be
 * impossible counts as possible. Finds disjoint types, bounds that cross, enums without a valid value, and recursion without an end.
 */
export function unsatisfiablePart(rules: ReadonlyMap<string, Rule>): string | null {
  // The least fixed point: a rule has the types that some value is known to be possible for. What recursion never reaches stays empty.
  const possible = new Map<Rule, number>()
  const typesOf = (rule: Rule): number => possible.get(rule) ?? 0
  const listed = listedTypes(rules)
  for (let isChanged = true, round = 0; isChanged; round += 1) {
    // Each round can only add types; a chain of n rules may need n rounds. Beyond this bound nothing is refused.
    if (round * rules.size > mostLooks) return null
    isChanged = false
    for (const rule of [...rules.values()].toReversed()) {
      const types = possibleTypes(rule, typesOf) & (listed.get(rule) ?? anyType)
      if (types === typesOf(rule)) continue
      possible.set(rule, types)
      isChanged = true
    }
  }
  const root = rules.get('')!
  return typesOf(root) === 0 ? deepestCause(root, typesOf) : null
}

function possibleTypes(rule: Rule, typesOf: (rule: Rule) => number): number {
  if (rule.constant !== null) return rule.constant ? anyType : 0
  let types = rule.types
  if (rule.ref !== null) types &= typesOf(rule.ref)
  for (const inner of rule.allOf ?? []) types &= typesOf(inner)
  for (const union of [rule.anyOf, rule.oneOf])
    if (union !== null) types &= union.branches.reduce((all, branch) => all | typesOf(branch), 0)
  if (rule.not !== null && (rule.not.constant === true || isEmptySchema(rule.not.source))) types = 0
  const { number, text, array, object } = rule
  if (number !== null) types &= ~impossibleNumbers(number)
  if (text !== null && (text.minLength ?? 0) > (text.maxLength ?? Number.POSITIVE_INFINITY)) types &= ~typeBits.string
  if (array !== null) {
    const least = Math.max(array.minItems ?? 0, array.contains === null ? 0 : array.contains.least > 0 ? 1 : 0)
    const first = array.prefix[0] ?? array.items
    const isImpossible =
      least > (array.maxItems ?? Number.POSITIVE_INFINITY) ||
      (least > 0 && first !== null && typesOf(first) === 0) ||
      (array.contains !== null && array.contains.least > 0 && typesOf(array.contains.rule) === 0) ||
      (array.contains !== null && array.contains.least > array.contains.most)
    if (isImpossible) types &= ~typeBits.array
  }
  if (object !== null && isImpossibleObject(object, typesOf)) types &= ~typeBits.object
  return types
}

function isImpossibleObject(object: ObjectRule, typesOf: (rule: Rule) => number): boolean {
  const most = object.maxProperties ?? Number.POSITIVE_INFINITY
  if ((object.minProperties ?? 0) > most || new Set(object.required).size > most) return true
  return object.required.some((name) => {
    const property = object.properties.get(name)
    if (property !== undefined) return typesOf(property) === 0
    return object.patterns.length === 0 && object.additional?.constant === false
  })
}

/** The types of numbers of which none is within the bounds. */
function impossibleNumbers(rule: NonNullable<Rule['number']>): number {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = rule
  const low = Math.max(minimum ?? Number.NEGATIVE_INFINITY, exclusiveMinimum ?? Number.NEGATIVE_INFINITY)
  const high = Math.min(maximum ?? Number.POSITIVE_INFINITY, exclusiveMaximum ?? Number.POSITIVE_INFINITY)
  const isOutside = (value: number) =>
    value < low || value > high || value === exclusiveMinimum || value === exclusiveMaximum
  if (low > high || (low === high && isOutside(low))) return typeBits.number
  if (multipleOf !== undefined && hasNoMultiple(multipleOf, low, high)) return typeBits.number
  // Beyond two whole numbers one of them is inside, whatever is excluded.
  const first = Math.ceil(low)
  const isWithoutInteger = high - low < 2 && [first, first + 1, first + 2].every(isOutside)
  return isWithoutInteger ? typeBits.integer : 0
}

/** False where rounding leaves a doubt. */
function hasNoMultiple(multipleOf: number, low: number, high: number): boolean {
  if (!(high - low < multipleOf)) return false
  const place = low / multipleOf
  return (
    Math.abs(place) < 1e9 &&
    place - Math.floor(place) > 1e-6 &&
    (Math.floor(place) + 1) * multipleOf > high * (1 + 1e-9) + 1e-300
  )
}

/** Of each rule that lists its values: the types of those that the rule itself accepts. */
function listedTypes(rules: ReadonlyMap<string, Rule>): ReadonlyMap<Rule, number> {
  const types = new Map<Rule, number>()
  const run = createRun(createBudget(mostLooks))
  try {
    for (const rule of rules.values()) {
      const values = rule.values[0]?.listed
      if (values === undefined) continue
      let accepted = 0
      for (const value of values) {
        if ((accepted & typeOf(value)) === typeOf(value)) continue
        if (matches(run, rule, value)) accepted |= typeOf(value)
      }
      types.set(rule, accepted)
    }
  } catch (error) {
    if (!(error instanceof TooMuchWorkError || error instanceof TooDeepError)) throw error
  }
  return types
}

function isEmptySchema(source: unknown): boolean {
  return typeof source === 'object' && source !== null && Object.keys(source).length === 0
}

/** The innermost required part that is impossible: more telling than the root. */
function deepestCause(root: Rule, typesOf: (rule: Rule) => number): string {
  let at = root
  for (let step = 0; step < 50; step += 1) {
    const parts: Rule[] = [...(at.ref === null ? [] : [at.ref]), ...(at.allOf ?? [])]
    for (const name of at.object?.required ?? []) {
      const property = at.object?.properties.get(name)
      if (property !== undefined) parts.push(property)
    }
    const cause = parts.find((part) => typesOf(part) === 0)
    if (cause === undefined || cause === root) break
    at = cause
  }
  return at.pointer
}
