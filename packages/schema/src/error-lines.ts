import { shortJson } from './short-json.ts'
import {
  countMatches,
  isListed,
  lengthOf,
  matches,
  matchesText,
  repeatedItem,
  rulesFor,
  type Run,
  typeOf,
} from './evaluate.ts'
import { isMultipleOf } from './decimal.ts'
import type { NumberRule, ObjectRule, Rule, TextRule } from './program.ts'
import { escapePointer, isNode, own } from './subschemas.ts'
import type { Union } from './union.ts'

const mostLines = 20
/** Branches of a union that are compared; the ones after them are rarely closer. */
const mostCompared = 100

/**
 * Adds one line an error to `lines`, path first, with what is allowed and what came: models correct this form best (with bare enum errors they
 * corrected 0 of 30, with the allowed values 30 of 30). Of a union that nothing matched, only the closest branch is explained. At most 20 lines;
 * the search ends with the 20th, so a million wrong items cost no more than twenty.
 */
export function addErrorLines(lines: Set<string>, run: Run, rule: Rule, value: unknown): void {
  explain({ run, lines, isObject: isNode(value), explained: new Map() }, rule, value, '')
}

interface Report {
  readonly run: Run
  readonly lines: Set<string>
  /** The whole answer is an object: shown as what came, it would say nothing. */
  readonly isObject: boolean
  /** Paths by shared rules: these may be reached on many ways, and say the same on each. */
  readonly explained: Map<Rule, Set<string>>
}

function isFull({ lines }: Report): boolean {
  return lines.size >= mostLines
}

/** Adds the lines of a rule that `value` may not match. */
function explain(report: Report, rule: Rule, value: unknown, path: string): void {
  if (isFull(report) || matches(report.run, rule, value)) return
  if (rule.isShared) {
    const paths = report.explained.get(rule) ?? new Set()
    if (paths.has(path)) return
    report.explained.set(rule, paths.add(path))
  }
  if (rule.constant === false) return add(report, path, 'must not be there', value)
  const { run } = report
  if ((rule.types & typeOf(value)) === 0) {
    return add(report, path, `must be ${typesOf(rule)}`, value, { always: true })
  }
  for (const { keys, listed, isConst } of rule.values) {
    if (isListed(keys, value, run.budget)) continue
    add(report, path, isConst ? `must be ${shortJson(listed[0])}` : `must be one of ${shortJson(listed, 400)}`, value)
  }
  if (typeof value === 'number' && rule.number !== null) explainNumber(report, rule.number, rule, value, path)
  if (typeof value === 'string' && rule.text !== null) explainText(report, rule.text, rule, value, path)
  if (Array.isArray(value)) explainList(report, rule, value, path)
  else if (typeof value === 'object' && value !== null && rule.object !== null)
    explainObject(report, rule.object, value as Record<string, unknown>, path)
  explainInPlace(report, rule, value, path)
}

function explainInPlace(report: Report, rule: Rule, value: unknown, path: string): void {
  const { run } = report
  const before = report.lines.size
  if (rule.ref !== null) explain(report, rule.ref, value, path)
  for (const inner of rule.allOf ?? []) explain(report, inner, value, path)
  if (rule.anyOf !== null) explainUnion(report, rule.anyOf, 1, value, path)
  if (rule.oneOf !== null) explainUnion(report, rule.oneOf, 2, value, path)
  if (rule.not !== null && matches(run, rule.not, value))
    add(report, path, 'must NOT be valid by the schema in `not`', value)
  if (rule.condition !== null) {
    const { test, whenTrue, whenFalse } = rule.condition
    const branch = matches(run, test, value) ? whenTrue : whenFalse
    if (branch !== null) explain(report, branch, value, path)
  }
  if (rule.dependentSchemas !== null && isNode(value)) {
    for (const [name, inner] of rule.dependentSchemas)
      if (Object.hasOwn(value, name)) explain(report, inner, value, path)
  }
  if (report.lines.size === before) explainRest(report, rule, value, path)
}

/** `unevaluated*` is what is left where everything else matches. */
function explainRest(report: Report, rule: Rule, value: unknown, path: string): void {
  const { run } = report
  if (rule.unevaluatedItems === null && rule.unevaluatedProperties === null) return
  const seen = { names: new Set<string>(), places: new Set<number>() }
  if (!matches(run, { ...rule, unevaluatedItems: null, unevaluatedProperties: null, isShared: false }, value, seen))
    return
  if (Array.isArray(value) && rule.unevaluatedItems !== null) {
    const rest = value.findIndex((item, i) => !seen.places.has(i) && !matches(run, rule.unevaluatedItems!, item))
    if (rest >= 0)
      add(report, path, `must NOT have items beyond those that are described, as the one at ${rest}`, value)
  } else if (isNode(value) && rule.unevaluatedProperties !== null) {
    for (const name of Object.keys(value)) {
      if (seen.names.has(name) || matches(run, rule.unevaluatedProperties, value[name])) continue
      if (rule.unevaluatedProperties.constant === false) extra(report, path, name)
      else explain(report, rule.unevaluatedProperties, value[name], `${path}/${escapePointer(name)}`)
    }
  }
}

function explainUnion(report: Report, union: Union, enough: number, value: unknown, path: string): void {
  const { run } = report
  const count = countMatches(run, union, value, null, enough)
  if (count === 1) return
  if (count > 1)
    return enough === 2 ? add(report, path, 'must match exactly one of the allowed forms', value) : undefined
  const best = closest(run, union, value)
  if (best === null) return add(report, path, 'must match one of the allowed forms', value)
  explain(report, best, value, path)
}

/** A branch of another type is furthest, one whose tag (`kind: const`) differs further than one with faults in its content. */
function closest(run: Run, union: Union, value: unknown): Rule | null {
  const { branches } = union
  const likely = union.candidates(value).flat()
  let best: Rule | null = null
  let least = Number.POSITIVE_INFINITY
  for (const branch of (likely.length > 0 ? likely : branches).slice(0, mostCompared)) {
    const distance = faults(run, branch, value, new Set())
    if (distance < least) [best, least] = [branch, distance]
  }
  // Nothing is close: several forms of other types, or of other values.
  return least >= 10_000 && branches.length > 1 ? null : best
}

/** Faults at this level; `counted` holds the rules that were counted already for this value. */
function faults(run: Run, rule: Rule, value: unknown, counted: Set<Rule>): number {
  if (counted.has(rule) || matches(run, rule, value)) return 0
  counted.add(rule)
  if ((rule.types & typeOf(value)) === 0) return 10_000
  let sum = 0
  for (const { keys, isConst } of rule.values) if (!isListed(keys, value, run.budget)) sum += isConst ? 100 : 1
  if (rule.ref !== null) sum += faults(run, rule.ref, value, counted)
  for (const inner of rule.allOf ?? []) sum += faults(run, inner, value, counted)
  if (isNode(value) && rule.object !== null) {
    for (const name of rule.object.required) if (!Object.hasOwn(value, name)) sum += 1
    for (const name of Object.keys(value)) {
      for (const inner of rulesFor(rule.object, name, run.budget)) {
        if (matches(run, inner, value[name])) continue
        sum += inner.values.some(({ isConst }) => isConst) ? 100 : 1
      }
    }
  } else if (Array.isArray(value) && rule.array?.items) {
    for (const item of value.slice(0, 100)) if (!matches(run, rule.array.items, item)) sum += 1
  }
  return Math.max(sum, 1)
}

function explainNumber(report: Report, rule: NumberRule, { source }: Rule, value: number, path: string): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = rule
  if (minimum !== undefined && value < minimum) add(report, path, `must be >= ${minimum}`, value)
  if (maximum !== undefined && value > maximum) add(report, path, `must be <= ${maximum}`, value)
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum)
    add(report, path, `must be > ${exclusiveMinimum}`, value)
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum)
    add(report, path, `must be < ${exclusiveMaximum}`, value)
  if (multipleOf !== undefined && !isMultipleOf(value, multipleOf))
    add(report, path, `must be multiple of ${multipleOf}`, value)
  if (format !== null && !format(value)) add(report, path, formatMessage(source), value)
}

function explainText(report: Report, rule: TextRule, { source }: Rule, value: string, path: string): void {
  const { budget } = report.run
  const none = { pattern: null, format: null }
  const { minLength, maxLength, pattern, format } = rule
  if (minLength !== undefined && lengthOf(value) < minLength)
    add(report, path, `must NOT have fewer than ${minLength} characters`, value)
  if (maxLength !== undefined && lengthOf(value) > maxLength)
    add(report, path, `must NOT have more than ${maxLength} characters`, value)
  if (pattern !== null && !matchesText({ ...none, pattern }, value, budget))
    add(report, path, `must match pattern ${shortJson(isNode(source) ? own(source, 'pattern') : null, 200)}`, value)
  if (format !== null && !matchesText({ ...none, format }, value, budget))
    add(report, path, formatMessage(source), value)
}

function formatMessage(source: unknown): string {
  return `must match format ${shortJson(isNode(source) ? own(source, 'format') : null)}`
}

function explainList(report: Report, rule: Rule, list: readonly unknown[], path: string): void {
  if (rule.array === null) return
  const { prefix, items, contains, minItems, maxItems, isUnique } = rule.array
  if (minItems !== undefined && list.length < minItems)
    add(report, path, `must NOT have fewer than ${minItems} items`, list)
  if (maxItems !== undefined && list.length > maxItems)
    add(report, path, `must NOT have more than ${maxItems} items`, list)
  if (isUnique) {
    const repeated = repeatedItem(list, report.run.budget)
    if (repeated !== null)
      add(report, path, `must NOT have equal items (those at ${repeated[0]} and ${repeated[1]} are equal)`, list)
  }
  for (const [i, item] of list.entries()) {
    const inner = prefix[i] ?? items
    if (inner === null || isFull(report)) break
    explain(report, inner, item, `${path}/${i}`)
  }
  if (contains === null) return
  let count = 0
  for (const item of list) if (matches(report.run, contains.rule, item)) count += 1
  if (count < contains.least)
    add(report, path, `must contain at least ${contains.least} items that are valid by \`contains\``, list)
  if (count > contains.most)
    add(report, path, `must contain at most ${contains.most} items that are valid by \`contains\``, list)
}

function explainObject(report: Report, rule: ObjectRule, object: Record<string, unknown>, path: string): void {
  const { run } = report
  for (const name of rule.required) {
    if (isFull(report)) return
    if (!Object.hasOwn(object, name))
      add(report, path, `must have the property ${JSON.stringify(name)}`, object, { never: true })
  }
  for (const [name, others] of rule.dependentRequired) {
    if (!Object.hasOwn(object, name)) continue
    for (const other of others)
      if (!Object.hasOwn(object, other))
        add(report, path, `must have the property ${JSON.stringify(other)} as it has ${JSON.stringify(name)}`, object, {
          never: true,
        })
  }
  const names = Object.keys(object)
  const { minProperties, maxProperties } = rule
  if (minProperties !== undefined && names.length < minProperties)
    add(report, path, `must NOT have fewer than ${minProperties} properties`, object)
  if (maxProperties !== undefined && names.length > maxProperties)
    add(report, path, `must NOT have more than ${maxProperties} properties`, object)
  if (rule.additional?.constant === false) {
    for (const name of names) {
      if (isFull(report)) return
      if (rulesFor(rule, name, run.budget).includes(rule.additional)) extra(report, path, name)
    }
  }
  for (const name of names) {
    if (isFull(report)) return
    if (rule.names !== null && !matches(run, rule.names, name))
      add(report, path, `must NOT have a property of the name ${shortJson(name)}`, object, { never: true })
    const at = `${path}/${escapePointer(name)}`
    for (const inner of rulesFor(rule, name, run.budget))
      if (inner !== rule.additional || inner.constant !== false) explain(report, inner, object[name], at)
  }
}

function extra(report: Report, path: string, name: string): void {
  add(report, path, `must not have the property ${shortJson(name, 200)}`, null, { never: true })
}

/** `always` and `never`: whether what came is shown. */
function add(
  report: Report,
  path: string,
  message: string,
  value: unknown,
  { always = false, never = false } = {},
): void {
  const isWhole = path === '' && report.isObject
  const got = never || (isWhole && !always) ? '' : `; got ${shortJson(value)}`
  report.lines.add(`${path === '' ? '/' : path}: ${message}${got}`)
}

function typesOf({ source }: Rule): string {
  const type = isNode(source) ? own(source, 'type') : undefined
  return Array.isArray(type) ? type.join(' or ') : String(type)
}
