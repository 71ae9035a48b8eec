import type { SchemaNode } from '../src/subschemas.ts'

/** A schema, an answer, or both, made to cost much. */
export interface HostileCase {
  readonly name: string
  readonly schema: SchemaNode
  /** Made when it is needed: some are large. */
  readonly answer: () => unknown
  /** `refused`: by the door. `too large`: the check ends, with that as its reason. */
  readonly end: 'valid' | 'invalid' | 'refused' | 'too large'
}

const object = (properties: SchemaNode, rest: SchemaNode = {}): SchemaNode => ({ type: 'object', properties, ...rest })
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const record = (count: number, entry: (i: number) => [string, unknown]): SchemaNode =>
  Object.fromEntries(times(count, entry))

/** `type: ["array","null"], items, anyOf`, each level three times inside the one above it. */
function nullableLists(levels: number): SchemaNode {
  const definitions = record(levels, (i) => {
    const next = { $ref: `#/$defs/d${i + 1}` }
    return [`d${i}`, { type: ['array', 'null'], items: next, anyOf: [next, { type: ['array', 'null'], items: next }] }]
  })
  return object(
    { a: { $ref: '#/$defs/d0' } },
    { $defs: { ...definitions, [`d${levels}`]: { type: ['array', 'null'] } } },
  )
}

const operator = (name: string): SchemaNode =>
  object(
    { op: { const: name }, left: { $ref: '#/$defs/expression' }, right: { $ref: '#/$defs/expression' } },
    { required: ['op', 'left', 'right'], additionalProperties: false },
  )
const literal = object({ value: { type: 'number' } }, { required: ['value'], additionalProperties: false })
const expressions: SchemaNode = object(
  { root: { $ref: '#/$defs/expression' } },
  { required: ['root'], $defs: { expression: { anyOf: [operator('add'), operator('multiply'), literal] } } },
)
/** The same without tags: both operators fit until the last level. */
const untagged = (extra: string): SchemaNode =>
  object(
    { left: { $ref: '#/$defs/expression' }, right: { $ref: '#/$defs/expression' }, [extra]: { type: 'number' } },
    { required: ['left', 'right', extra] },
  )
const untaggedExpressions: SchemaNode = object(
  { root: { $ref: '#/$defs/expression' } },
  { $defs: { expression: { anyOf: [untagged('weight'), untagged('cost'), literal] } } },
)
const tree = (levels: number, node: (left: unknown, right: unknown) => SchemaNode): unknown =>
  levels === 1 ? { value: 1 } : node(tree(levels - 1, node), tree(levels - 1, node))

const threeForms: SchemaNode = {
  anyOf: ['a', 'b', 'c'].map((kind) =>
    object({ kind: { const: kind }, size: { type: 'integer' } }, { required: ['kind', 'size'] }),
  ),
}
const doubled = (levels: number): SchemaNode => ({
  type: 'object',
  properties: { a: { $ref: '#/$defs/d0' } },
  $defs: {
    ...record(levels, (i) => [`d${i}`, { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }]),
    [`d${levels}`]: { type: 'string' },
  },
})
const deep = (levels: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < levels; i += 1) value = [value]
  return { a: value }
}

const formats =
  'date time date-time duration email idn-email hostname idn-hostname ipv4 ipv6 uri url uri-reference iri iri-reference uri-template uuid json-pointer relative-json-pointer regex byte'.split(
    ' ',
  )
const hostileTexts = ['ü', 'a.', 'a@', '%41:', '//a@', '{a,', '~0/', '1:', '::', '"\\a', 'a-', '((']

export const hostileCases: readonly HostileCase[] = [
  {
    name: 'nullable lists of unions, 26 levels in 1.7 KB; null',
    schema: nullableLists(26),
    answer: () => ({ a: null }),
    end: 'valid',
  },
  { name: 'the same; lists in lists', schema: nullableLists(26), answer: () => deep(26), end: 'invalid' },
  {
    name: 'expression tree of 127 nodes, two operators',
    schema: expressions,
    answer: () => ({ root: tree(7, (left, right) => ({ op: 'multiply', left, right })) }),
    end: 'valid',
  },
  {
    name: 'expression tree of 511 nodes',
    schema: expressions,
    answer: () => ({ root: tree(9, (left, right) => ({ op: 'multiply', left, right })) }),
    end: 'valid',
  },
  {
    name: 'expression tree of 511 nodes without tags',
    schema: untaggedExpressions,
    answer: () => ({ root: tree(9, (left, right) => ({ left, right, cost: 1 })) }),
    end: 'valid',
  },
  {
    name: 'expression tree of 511 nodes, one wrong leaf',
    schema: untaggedExpressions,
    answer: () => ({
      root: { left: { value: '1' }, right: tree(9, (left, right) => ({ left, right, cost: 1 })), cost: 1 },
    }),
    end: 'invalid',
  },
  {
    name: '20,000 wrong items of a union of 3 forms',
    schema: object({ a: { type: 'array', items: threeForms } }),
    answer: () => ({ a: times(20_000, () => ({ kind: 'a', size: 'x' })) }),
    end: 'invalid',
  },
  {
    name: '2,000 items, union of 4,000 constants',
    schema: object({ a: { type: 'array', items: { anyOf: times(4_000, (i) => ({ const: i })) } } }),
    answer: () => ({ a: times(2_000, (i) => 3_999 - i) }),
    end: 'valid',
  },
  {
    name: '2,000 wrong items, union of 4,000 constants',
    schema: object({ a: { type: 'array', items: { oneOf: times(4_000, (i) => ({ const: i })) } } }),
    answer: () => ({ a: times(2_000, () => -1) }),
    end: 'invalid',
  },
  {
    name: '2,000 items, union of 1,600 forms with tags',
    schema: object({
      a: {
        items: {
          anyOf: times(1_600, (i) =>
            object({ kind: { const: `k${i}` }, a: { type: 'number' } }, { required: ['kind'] }),
          ),
        },
      },
    }),
    answer: () => ({ a: times(2_000, (i) => ({ kind: `k${i % 1_600}`, a: 1 })) }),
    end: 'valid',
  },
  {
    name: '2,000 objects, union of 2,000 forms without tags',
    schema: object({ a: { items: { anyOf: times(2_000, (i) => object({}, { required: [`p${i}`] })) } } }),
    answer: () => ({ a: times(2_000, () => ({ p1999: 1 })) }),
    end: 'too large',
  },
  {
    name: 'pattern (a?){1000} in 40 texts of 100 KB',
    schema: object(record(40, (i) => [`p${i}`, { type: 'string', pattern: '(a?){1000}b' }])),
    answer: () => record(40, (i) => [`p${i}`, 'a'.repeat(100_000)]),
    end: 'too large',
  },
  {
    name: 'pattern ^(a+)+$, 50 KB that do not match',
    schema: object({ a: { type: 'string', pattern: '^(a+)+$' } }),
    answer: () => ({ a: `${'a'.repeat(50_000)}!` }),
    end: 'invalid',
  },
  {
    name: 'pattern ^(?=(a+)+$)(?!b).*c$, 50 KB that do not match',
    schema: object({ a: { type: 'string', pattern: '^(?=(a+)+$)(?!b).*c$' } }),
    answer: () => ({ a: 'a'.repeat(50_000) }),
    end: 'invalid',
  },
  {
    name: 'pattern ((a{100}){100}){100}',
    schema: object({ a: { type: 'string', pattern: '((a{100}){100}){100}' } }),
    answer: () => ({ a: 'a' }),
    end: 'refused',
  },
  {
    name: '200 patterns of 9,000 states',
    schema: object(record(200, (i) => [`p${i}`, { type: 'string', pattern: `x${i}([a-z]{90}){100}` }])),
    answer: () => ({}),
    end: 'refused',
  },
  {
    name: '4,900 properties in 320 KB',
    schema: object(record(4_900, (i) => [`p${i}`, { type: 'string', description: 'x'.repeat(20) }])),
    answer: () => record(4_900, (i) => [`p${i}`, 'x']),
    end: 'valid',
  },
  {
    name: '1,350 schemas in a chain of $ref',
    schema: {
      $ref: '#/$defs/d0',
      $defs: { ...record(1_350, (i) => [`d${i}`, { allOf: [{ $ref: `#/$defs/d${i + 1}` }] }]), d1350: {} },
    },
    answer: () => ({}),
    end: 'refused',
  },
  {
    name: 'a chain of 1,350 objects by $ref, 780 optional properties',
    schema: {
      $ref: '#/$defs/d0',
      $defs: {
        ...record(1_350, (i) => [
          `d${i}`,
          object({ next: { $ref: `#/$defs/d${i + 1}` }, ...(i < 780 ? { [`o${i}`]: { type: 'string' } } : {}) }),
        ]),
        d1350: { type: 'object' },
      },
    },
    answer: () => {
      let value: object = {}
      for (let i = 0; i < 250; i += 1) value = { next: value }
      return value
    },
    end: 'valid',
  },
  {
    name: '1,500 patternProperties, 10,000 properties',
    schema: { type: 'object', patternProperties: record(1_500, (i) => [`^p${i}x`, { type: 'string' }]) },
    answer: () => record(10_000, (i) => [`q${i}`, 1]),
    end: 'too large',
  },
  {
    name: '1,500 contains, 1,000 items',
    schema: object({ a: { allOf: times(1_500, (i) => ({ contains: { const: i % 1_000 } })) } }),
    answer: () => ({ a: times(1_000, (i) => i) }),
    end: 'valid',
  },
  {
    name: 'format url, 1 MB',
    schema: object({ a: { type: 'string', format: 'url' } }),
    answer: () => ({ a: `http://${'a'.repeat(1_000_000)}^` }),
    end: 'invalid',
  },
  {
    name: 'each format, texts of 100 KB made to backtrack',
    schema: object(
      record(formats.length, (i) => [`p${i}`, { anyOf: [{ type: 'string', format: formats[i] }, { type: 'string' }] }]),
    ),
    answer: () => record(formats.length, (i) => [`p${i}`, hostileTexts[i % hostileTexts.length]!.repeat(3_000)]),
    end: 'valid',
  },
  {
    name: '3,000,000 wrong items',
    schema: object({ a: { type: 'array', items: { type: 'string' } } }),
    answer: () => ({ a: times(3_000_000, () => 1) }),
    end: 'invalid',
  },
  {
    name: '3,000,000 right items',
    schema: object({ a: { type: 'array', items: { type: 'integer' } } }),
    answer: () => ({ a: times(3_000_000, () => 1) }),
    end: 'too large',
  },
  {
    name: 'uniqueItems, 10,000 different objects',
    schema: object({ a: { type: 'array', uniqueItems: true } }),
    answer: () => ({ a: times(10_000, (i) => ({ id: i, name: `n${i}` })) }),
    end: 'valid',
  },
  { name: 'allOf doubled 40 times', schema: doubled(40), answer: () => ({ a: 'x' }), end: 'valid' },
  { name: 'an answer of 100,000 levels', schema: object({ a: {} }), answer: () => deep(100_000), end: 'invalid' },
  {
    name: 'a recursive schema, an answer of 250 levels',
    schema: object(
      { a: { $ref: '#/$defs/l' } },
      { $defs: { l: { anyOf: [{ type: 'array', items: { $ref: '#/$defs/l' } }, { type: 'number' }] } } },
    ),
    answer: () => deep(250),
    end: 'valid',
  },
  {
    name: 'enum of 10,000 values, 10,000 items',
    schema: object({ a: { items: { enum: times(10_000, (i) => `v${i}`) } } }),
    answer: () => ({ a: times(10_000, (i) => `v${i}`) }),
    end: 'valid',
  },
  {
    name: 'unevaluatedProperties in 12 nested anyOf, 2,000 properties',
    schema: nestedUnevaluated(12),
    answer: () => record(2_000, (i) => [`x${i}`, 1]),
    end: 'valid',
  },
  {
    name: '5,000 properties required and missing',
    schema: object({}, { required: times(5_000, (i) => `p${i}`) }),
    answer: () => ({}),
    end: 'invalid',
  },
  {
    name: 'multipleOf 1e-300 of 1e300, 20,000 times',
    schema: object({ a: { items: { multipleOf: 3e-300 } } }),
    answer: () => ({ a: times(20_000, () => 1.5e300) }),
    end: 'too large',
  },
  {
    name: 'allOf of 40 references, 20 levels',
    schema: multiplied(40, 20),
    answer: () => ({ a: { p1: 'x' } }),
    end: 'valid',
  },
  {
    name: 'allOf of 1,000 objects with a property in common',
    schema: {
      type: 'object',
      allOf: times(1_000, (i) =>
        object({ [`p${i}`]: { type: 'string' }, s: { type: 'string', maxLength: 2_000 - i } }),
      ),
    },
    answer: () => ({ s: 'x' }),
    end: 'valid',
  },
  {
    name: 'dependentSchemas in each other, 40 levels',
    schema: nestedDependencies(40),
    answer: () => record(40, (i) => [`a${i}`, 1]),
    end: 'invalid',
  },
  {
    name: '2,000 dependentSchemas, a list of 1,000 objects',
    schema: object({
      a: { items: { dependentSchemas: record(2_000, (i) => [`p${i}`, { minProperties: 1 }]) } },
    }),
    answer: () => ({ a: times(1_000, () => ({ p1: 1 })) }),
    end: 'too large',
  },
  {
    name: 'unevaluatedProperties beside anyOf of 50 forms, 1,000 objects of 50 properties',
    schema: object({
      a: {
        items: {
          anyOf: times(50, (i) => ({ properties: { [`p${i}`]: true }, required: [`p${i}`] })),
          unevaluatedProperties: false,
        },
      },
    }),
    answer: () => ({ a: times(1_000, () => record(50, (i) => [`p${i}`, 1])) }),
    end: 'too large',
  },
  {
    name: '$dynamicRef, a tree of 5,461 nodes',
    schema: {
      $dynamicAnchor: 'node',
      type: 'object',
      properties: { c: { type: 'array', items: { $dynamicRef: '#node' } } },
      unevaluatedProperties: false,
    },
    answer: () => fourfold(6),
    end: 'valid',
  },
  {
    name: 'not in not, 80 levels, 20,000 items',
    schema: object({ a: { items: nestedNot(80) } }),
    answer: () => ({ a: times(20_000, () => 'x') }),
    end: 'valid',
  },
  {
    name: 'propertyNames with 1,000 patterns, 3,000 properties',
    schema: { type: 'object', propertyNames: { anyOf: times(1_000, (i) => ({ pattern: `^k${i}$` })) } },
    answer: () => record(3_000, (i) => [`k999x${i}`, 1]),
    end: 'invalid',
  },
  {
    name: 'minItems 1e9, minLength 1e15',
    schema: object({ a: { minItems: 1e9, minLength: 1e15 } }),
    answer: () => ({ a: 'x'.repeat(1_000_000) }),
    end: 'invalid',
  },
  {
    name: 'a constant of 50,000 values',
    schema: object({ a: { items: { const: times(50_000, (i) => i) } } }),
    answer: () => ({ a: times(4, () => times(50_000, (i) => i)) }),
    end: 'valid',
  },
  {
    name: 'uniqueItems, lists that differ at 200 levels',
    schema: object({ a: { uniqueItems: true } }),
    answer: () => ({ a: times(300, (i) => (deep(200) as { a: unknown[] }).a.concat(i)) }),
    end: 'valid',
  },
  {
    name: 'format regex, 3,000 patterns of many states',
    schema: object({ a: { items: { format: 'regex' } } }),
    answer: () => ({ a: times(3_000, (i) => `(a|b){${i}}[\\w${i}]+`) }),
    end: 'valid',
  },
  {
    name: 'format idn-hostname, 3,000 names',
    schema: object({ a: { items: { format: 'idn-hostname' } } }),
    answer: () => ({ a: times(3_000, (i) => `例え${i}.テスト`) }),
    end: 'valid',
  },
  {
    name: 'an object of 40,000 properties',
    schema: { type: 'object', additionalProperties: { type: 'string' } },
    answer: () => record(40_000, (i) => [`p${i}`, 'x']),
    end: 'too large',
  },
  {
    name: '1,300 optional unions of three types',
    schema: object(
      record(1_300, (i) => [`p${i}`, { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] }]),
    ),
    answer: () => record(1_300, (i) => [`p${i}`, null]),
    end: 'valid',
  },
]

function fourfold(levels: number): unknown {
  return { c: levels === 0 ? [] : times(4, () => fourfold(levels - 1)) }
}

/** Each level refers to the next one `width` times. */
function multiplied(width: number, levels: number): SchemaNode {
  return {
    type: 'object',
    properties: { a: { $ref: '#/$defs/d0' } },
    $defs: {
      ...record(levels, (i) => [`d${i}`, { allOf: times(width, () => ({ $ref: `#/$defs/d${i + 1}` })) }]),
      [`d${levels}`]: object(record(100, (i) => [`p${i}`, { type: 'string' }])),
    },
  }
}

function nestedDependencies(levels: number): SchemaNode {
  let schema: SchemaNode = { required: ['z'] }
  for (let i = 0; i < levels; i += 1)
    schema = { dependentSchemas: { [`a${i}`]: schema, [`b${i}`]: { minProperties: 1 } } }
  return schema
}

function nestedNot(levels: number): SchemaNode {
  let schema: SchemaNode = { type: 'string' }
  for (let i = 0; i < levels; i += 1) schema = { not: schema }
  return schema
}

function nestedUnevaluated(levels: number): SchemaNode {
  let schema: SchemaNode = { properties: { y: true } }
  for (let i = 0; i < levels; i += 1)
    schema = { anyOf: [schema, { properties: { [`z${i}`]: true } }], unevaluatedProperties: i % 2 === 0 }
  return { type: 'object', ...schema, unevaluatedProperties: false }
}
