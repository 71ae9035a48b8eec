import { canonical } from './canonical.ts'
import { createBudget } from './budget.ts'
import { type FormatCheck, formatCheck } from './formats.ts'
import { compilePattern, type Matcher } from './pattern.ts'
import { createUnion, type Union } from './union.ts'
import { escapePointer, isNode, own, resolvePointer, subschemas, type SchemaNode } from './subschemas.ts'

/** Types as bits: a whole number is an `integer` and a `number`. */
export const typeBits = { null: 1, boolean: 2, integer: 4, number: 12, string: 16, array: 32, object: 64 } as const
export const anyType = 127

/** One subschema, ready to be evaluated. Undefined: the keyword is not there. */
export interface Rule {
  readonly pointer: string
  readonly source: unknown
  /** `true` and `false` as schemas. */
  constant: boolean | null
  /** Rules of this kind are remembered for each value: they may be reached on many ways. */
  isShared: boolean
  ref: Rule | null
  types: number
  values: { readonly keys: ReadonlySet<string>; readonly listed: readonly unknown[]; readonly isConst: boolean }[]
  number: NumberRule | null
  text: TextRule | null
  array: ArrayRule | null
  object: ObjectRule | null
  allOf: readonly Rule[] | null
  anyOf: Union | null
  oneOf: Union | null
  not: Rule | null
  condition: { readonly test: Rule; readonly whenTrue: Rule | null; readonly whenFalse: Rule | null } | null
  dependentSchemas: ReadonlyMap<string, Rule> | null
  unevaluatedItems: Rule | null
  unevaluatedProperties: Rule | null
}

export interface NumberRule {
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly format: FormatCheck | null
}

export interface TextRule {
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern: Matcher | null
  readonly format: FormatCheck | null
}

export interface ArrayRule {
  readonly prefix: readonly Rule[]
  readonly items: Rule | null
  readonly contains: { readonly rule: Rule; readonly least: number; readonly most: number } | null
  readonly minItems?: number
  readonly maxItems?: number
  readonly isUnique: boolean
}

export interface ObjectRule {
  readonly properties: ReadonlyMap<string, Rule>
  readonly patterns: readonly { readonly source: string; readonly matcher: Matcher; readonly rule: Rule }[]
  readonly additional: Rule | null
  readonly names: Rule | null
  readonly required: readonly string[]
  readonly dependentRequired: readonly (readonly [string, readonly string[]])[]
  readonly minProperties?: number
  readonly maxProperties?: number
}

export interface ProgramOptions {
  /** `annotate`: formats are not checked, as JSON Schema allows. */
  readonly formats: 'assert' | 'annotate'
}

/** The rules of a normalised schema by their JSON pointers. Throws a SyntaxError for a pattern that cannot be run. */
export function compileRules(schema: SchemaNode | boolean, options: ProgramOptions): ReadonlyMap<string, Rule> {
  const rules = new Map<string, Rule>()
  const open: { schema: unknown; pointer: string }[] = [{ schema, pointer: '' }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    rules.set(next.pointer, emptyRule(next.pointer, next.schema))
    if (!isNode(next.schema)) continue
    for (const inner of subschemas(next.schema))
      open.push({ schema: inner.schema, pointer: next.pointer + inner.pointer })
  }
  for (const rule of rules.values()) if (isNode(rule.source)) fill(rule, rule.source, rules, options)
  // Unions look into their branches: all rules have to be filled before.
  for (const rule of rules.values()) if (isNode(rule.source)) fillUnions(rule, rule.source, rules)
  return rules
}

/** The states of all different patterns: each takes some 100 bytes of memory. */
export function statesOf(rules: ReadonlyMap<string, Rule>): number {
  const matchers = new Set<Matcher>()
  for (const { text, object } of rules.values()) {
    if (text?.pattern) matchers.add(text.pattern)
    for (const { matcher } of object?.patterns ?? []) matchers.add(matcher)
  }
  return [...matchers].reduce((sum, { states }) => sum + states, 0)
}

function emptyRule(pointer: string, source: unknown): Rule {
  return {
    pointer,
    source,
    constant: typeof source === 'boolean' ? source : null,
    isShared: false,
    ref: null,
    types: anyType,
    values: [],
    number: null,
    text: null,
    array: null,
    object: null,
    allOf: null,
    anyOf: null,
    oneOf: null,
    not: null,
    condition: null,
    dependentSchemas: null,
    unevaluatedItems: null,
    unevaluatedProperties: null,
  }
}

function fill(rule: Rule, schema: SchemaNode, rules: ReadonlyMap<string, Rule>, options: ProgramOptions): void {
  const at = (path: string): Rule => rules.get(rule.pointer + path)!
  const single = (keyword: string): Rule | null => (own(schema, keyword) === undefined ? null : at(`/${keyword}`))
  const byName = (keyword: string): Map<string, Rule> => {
    const map = own(schema, keyword)
    const names = isNode(map) ? Object.keys(map) : []
    return new Map(names.map((name) => [name, at(`/${keyword}/${escapePointer(name)}`)]))
  }

  const reference = own(schema, '$ref')
  if (typeof reference === 'string') {
    const target = rules.get(resolvePointer(reference))
    if (target === undefined) throw new SyntaxError(`there is no schema at '${reference}'`)
    target.isShared = true
    rule.ref = target
  }
  const type = own(schema, 'type')
  if (type !== undefined) rule.types = typesOf(type)
  const listed = own(schema, 'enum')
  if (Array.isArray(listed)) rule.values.push(valuesOf(listed, false))
  if (Object.hasOwn(schema, 'const')) rule.values.push(valuesOf([schema['const']], true))

  const format = own(schema, 'format')
  const check = options.formats === 'assert' && typeof format === 'string' ? (formatCheck(format) ?? null) : null
  const bounds = numbersOf(schema, ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'])
  if (check !== null || Object.keys(bounds).length > 0) rule.number = { ...bounds, format: check }
  const pattern = own(schema, 'pattern')
  const lengths = numbersOf(schema, ['minLength', 'maxLength'])
  if (check !== null || typeof pattern === 'string' || Object.keys(lengths).length > 0)
    rule.text = { ...lengths, pattern: typeof pattern === 'string' ? compilePattern(pattern) : null, format: check }

  if (
    ['prefixItems', 'items', 'contains', 'minItems', 'maxItems', 'uniqueItems'].some((key) =>
      Object.hasOwn(schema, key),
    )
  ) {
    const prefix = own(schema, 'prefixItems')
    const contains = single('contains')
    const { minContains: least = 1, maxContains: most = Number.POSITIVE_INFINITY } = numbersOf(schema, [
      'minContains',
      'maxContains',
    ])
    rule.array = {
      prefix: Array.isArray(prefix) ? prefix.map((_, i) => at(`/prefixItems/${i}`)) : [],
      items: single('items'),
      contains: contains === null ? null : { rule: contains, least, most },
      ...numbersOf(schema, ['minItems', 'maxItems']),
      isUnique: own(schema, 'uniqueItems') === true,
    }
  }
  if (objectKeywords.some((key) => Object.hasOwn(schema, key))) {
    const dependent = own(schema, 'dependentRequired')
    rule.object = {
      properties: byName('properties'),
      patterns: [...byName('patternProperties')].map(([source, inner]) => ({
        source,
        matcher: compilePattern(source),
        rule: inner,
      })),
      additional: single('additionalProperties'),
      names: single('propertyNames'),
      required: namesOf(own(schema, 'required')),
      dependentRequired: isNode(dependent)
        ? Object.entries(dependent).map(([name, names]) => [name, namesOf(names)] as const)
        : [],
      ...numbersOf(schema, ['minProperties', 'maxProperties']),
    }
  }
  rule.allOf = listOf(schema, 'allOf', at)
  rule.not = single('not')
  const condition = single('if')
  if (condition !== null) rule.condition = { test: condition, whenTrue: single('then'), whenFalse: single('else') }
  if (own(schema, 'dependentSchemas') !== undefined) rule.dependentSchemas = byName('dependentSchemas')
  rule.unevaluatedItems = single('unevaluatedItems')
  rule.unevaluatedProperties = single('unevaluatedProperties')
}

const objectKeywords = [
  'properties',
  'patternProperties',
  'additionalProperties',
  'propertyNames',
  'required',
  'dependentRequired',
  'minProperties',
  'maxProperties',
]

function fillUnions(rule: Rule, schema: SchemaNode, rules: ReadonlyMap<string, Rule>): void {
  const at = (path: string): Rule => rules.get(rule.pointer + path)!
  const any = listOf(schema, 'anyOf', at)
  const one = listOf(schema, 'oneOf', at)
  if (any !== null) rule.anyOf = createUnion(any)
  if (one !== null) rule.oneOf = createUnion(one)
}

function listOf(schema: SchemaNode, keyword: string, at: (path: string) => Rule): Rule[] | null {
  const list = own(schema, keyword)
  return Array.isArray(list) ? list.map((_, i) => at(`/${keyword}/${i}`)) : null
}

function typesOf(type: unknown): number {
  const names = Array.isArray(type) ? type : [type]
  return names.reduce<number>((bits, name) => bits | (typeBits[name as keyof typeof typeBits] ?? 0), 0)
}

function valuesOf(listed: readonly unknown[], isConst: boolean): Rule['values'][number] {
  const budget = createBudget(Number.POSITIVE_INFINITY)
  return { keys: new Set(listed.map((value) => canonical(value, budget))), listed, isConst }
}

function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : []
}

function numbersOf<Name extends string>(schema: SchemaNode, names: readonly Name[]): Partial<Record<Name, number>> {
  const found: Partial<Record<Name, number>> = {}
  for (const name of names) {
    const value = own(schema, name)
    if (typeof value === 'number') found[name] = value
  }
  return found
}
