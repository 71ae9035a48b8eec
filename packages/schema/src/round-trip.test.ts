import { isDeepStrictEqual } from 'node:util'
import { Validator } from '@cfworker/json-schema'
import { fc } from '../../../test/support/property.ts'
import { describe, expect, test } from 'vitest'
import { dropAddedNulls } from './null-drop.ts'
import { encodeMeant } from './strict-encoder.test-support.ts'
import { toStrictSchema, unwrap } from './strict.ts'
import type { SchemaNode } from './subschemas.ts'

/** A schema with values that are valid by it, built together so that no generator of instances has to be trusted. */
interface Case {
  readonly schema: SchemaNode
  readonly values: readonly unknown[]
}

const names = ['a', 'b', 'c/d', '~', 'value', 'kind']
const strings = fc.constantFrom('', 'a', 'null', 'x y', 'é', '2020-01-02')

const scalars: fc.Arbitrary<Case> = fc.oneof(
  fc.record({
    schema: fc.constantFrom<SchemaNode>({ type: 'string' }, { type: 'string', maxLength: 20, pattern: '' }),
    values: fc.array(strings, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    schema: fc.constant<SchemaNode>({ type: 'integer', minimum: 0 }),
    values: fc.array(fc.nat(9), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    schema: fc.constant<SchemaNode>({ type: ['number', 'boolean'] }),
    values: fc.array(fc.oneof(fc.boolean(), fc.nat(3)), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    schema: fc.constant<SchemaNode>({ type: ['string', 'null'] }),
    values: fc.array(fc.option(strings), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    schema: fc.constant<SchemaNode>({ type: ['string', 'null'], default: null }),
    values: fc.constant([null, 'x']),
  }),
  fc
    .uniqueArray(fc.constantFrom<unknown>('a', 1, null, true), { minLength: 1 })
    .map((values) => ({ schema: { enum: values }, values })),
  fc
    .constantFrom<unknown>('a', 0, null)
    .map((value) => ({ schema: { const: value, description: 'fixed' }, values: [value] })),
  fc.constant({ schema: { type: 'null' }, values: [null] }),
  fc.constant({ schema: {}, values: [null, 'a', [], {}] }),
  fc.constant({ schema: { type: 'object', additionalProperties: { type: 'integer' } }, values: [{}, { a: 1, x: 2 }] }),
  fc.constant({ schema: { type: 'array', prefixItems: [{ type: 'string' }] }, values: [[], ['a', null]] }),
  fc.constant({ schema: { properties: { a: { type: 'string' } } }, values: [{}, 5, { a: 'x' }] }),
  // The other keywords, alone and beside others: each is sent, described, or a reason to send the schema loose.
  fc.constantFrom<Case>(
    { schema: { type: 'string', format: 'date', maxLength: 10 }, values: ['2020-01-02'] },
    { schema: { type: 'string', enum: ['a', 'b'], default: 'a' }, values: ['a', 'b'] },
    { schema: { type: 'number', minimum: 0, exclusiveMaximum: 5, multipleOf: 0.5 }, values: [0, 4.5] },
    { schema: { type: ['integer', 'null'], minimum: 1 }, values: [null, 1] },
    { schema: { enum: ['a', null] }, values: ['a', null] },
    { schema: { enum: ['a', null], default: null }, values: ['a', null] },
    { schema: { const: { a: 1 } }, values: [{ a: 1 }] },
    {
      schema: { type: 'array', items: { type: 'string' }, minItems: 1, uniqueItems: true },
      values: [['a'], ['a', 'b']],
    },
    { schema: { type: 'array', contains: { const: 1 }, items: { type: 'integer' } }, values: [[1], [2, 1]] },
    { schema: { type: 'array' }, values: [[], [null, 1]] },
    { schema: { type: 'object' }, values: [{}, { x: null }] },
    { schema: { type: 'object', patternProperties: { '^x': { type: 'integer' } } }, values: [{}, { x1: 1 }] },
    {
      schema: { type: 'object', propertyNames: { maxLength: 3 }, properties: { a: { type: 'string' } } },
      values: [{}, { a: '' }],
    },
    {
      schema: { type: 'object', properties: { a: { type: 'string' } }, unevaluatedProperties: false },
      values: [{}, { a: '' }],
    },
    {
      schema: {
        type: 'object',
        properties: { a: { type: 'string' }, b: { type: 'string' } },
        dependentRequired: { a: ['b'] },
      },
      values: [{}, { b: '' }, { a: '', b: '' }],
    },
    {
      schema: {
        type: 'object',
        properties: { a: { type: 'string' } },
        dependentSchemas: { a: { properties: { b: { type: 'integer' } } } },
      },
      values: [{}, { a: '' }],
    },
    { schema: { type: 'object', properties: { a: { type: 'string' } }, minProperties: 1 }, values: [{ a: '' }] },
    {
      schema: { type: 'object', properties: { a: { type: ['string', 'null'] } }, not: { required: ['z'] } },
      values: [{ a: null }, {}],
    },
    { schema: { type: 'object', properties: { a: false, b: { type: 'string' } } }, values: [{}, { b: '' }] },
    {
      schema: { type: 'object', properties: { a: true, b: { type: 'string' } }, required: ['a'] },
      values: [{ a: null }, { a: 1, b: '' }],
    },
    {
      schema: {
        type: 'object',
        properties: { k: { const: 'x' }, v: { type: 'string' } },
        required: ['k'],
        anyOf: [{ required: ['v'] }, { properties: { w: { type: 'string' } } }],
      },
      values: [{ k: 'x', v: '' }, { k: 'x' }],
    },
    { schema: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null, description: 'd' }, values: [null, 'x'] },
    {
      schema: { anyOf: [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, { type: 'integer' }] },
      values: [null, 'x', 1],
    },
    {
      schema: { oneOf: [{ type: 'object', properties: { a: { type: 'string' } } }, { type: 'null' }] },
      values: [null, {}, { a: '' }],
    },
    {
      schema: { type: ['object', 'array'], properties: { a: { type: 'string' } }, items: { type: 'null' } },
      values: [{}, { a: '' }, [null]],
    },
    { schema: { allOf: [{ type: 'integer', minimum: 0 }, { maximum: 9 }], description: 'd' }, values: [0, 9] },
    { schema: { type: 'string', contentEncoding: 'base64', readOnly: true, examples: ['eA=='] }, values: ['eA=='] },
  ),
)

function lists(inner: Case, nullable: boolean): Case {
  const list = { type: nullable ? ['array', 'null'] : 'array', items: inner.schema }
  return { schema: list, values: [[], inner.values, ...(nullable ? [null] : [])] }
}

function objects(properties: readonly [string, Case, 'required' | 'optional'][], closed: boolean, pick: number): Case {
  const schema = {
    type: 'object',
    properties: Object.fromEntries(properties.map(([name, { schema: inner }]) => [name, inner])),
    required: properties.filter(([, , how]) => how === 'required').map(([name]) => name),
    ...(closed ? { additionalProperties: false } : {}),
  }
  // Nothing may be valid by a union of forms that exclude each other.
  if (properties.some(([, { values }, how]) => how === 'required' && values.length === 0)) return { schema, values: [] }
  const value = (isWhole: boolean) =>
    Object.fromEntries(
      properties
        // Absent means the default: it may come back in its place.
        .filter(
          ([, { schema: inner, values }, how]) =>
            how === 'required' || 'default' in inner || (isWhole && values.length > 0),
        )
        .map(([name, { values }]) => [name, values[pick % values.length]]),
    )
  return { schema, values: [value(true), value(false)] }
}

function union(keyword: 'anyOf' | 'oneOf', forms: readonly Case[]): Case {
  const schema = { [keyword]: forms.map(({ schema: form }) => form) }
  const isValid = new Validator(schema, '2020-12')
  // By oneOf a value of one form may be valid by another as well, and so by none.
  const values = forms.flatMap((form) => form.values).filter((value) => isValid.validate(value).valid)
  return { schema, values }
}

function combined(first: Case, second: Case): Case {
  const schema = { allOf: [first.schema, second.schema] }
  const validator = new Validator(schema, '2020-12')
  const merged = first.values.flatMap((a) =>
    second.values.map((b) => (isObject(a) && isObject(b) ? { ...a, ...b } : a)),
  )
  return { schema, values: merged.filter((value) => validator.validate(value).valid) }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const { any: cases } = fc.letrec<{ any: Case; object: Case }>((tie) => ({
  object: fc
    .tuple(
      fc.uniqueArray(
        fc.tuple(fc.constantFrom(...names), tie('any'), fc.constantFrom('required' as const, 'optional' as const)),
        {
          selector: ([name]) => name,
          minLength: 1,
          maxLength: 4,
        },
      ),
      fc.boolean(),
      fc.nat(5),
    )
    .map(([properties, closed, pick]) => objects(properties, closed, pick)),
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    tie('object'),
    fc.tuple(tie('any'), fc.boolean()).map(([inner, nullable]) => lists(inner, nullable)),
    fc
      .tuple(fc.constantFrom('anyOf' as const, 'oneOf' as const), fc.array(tie('any'), { minLength: 1, maxLength: 3 }))
      .map(([keyword, forms]) => union(keyword, forms)),
    fc.tuple(tie('object'), tie('object')).map(([first, second]) => combined(first, second)),
  ),
}))

/** Lists, trees and unions of themselves, with a case at each node. */
function recursive({ schema, values }: Case, form: 'list' | 'tree' | 'union' | 'root'): Case {
  const node = (rest: SchemaNode, required: string[]): SchemaNode => ({
    type: 'object',
    properties: { value: schema, ...rest },
    required: ['value', ...required],
  })
  const self = { $ref: form === 'root' ? '#' : '#/$defs/node' }
  const forms: Record<typeof form, SchemaNode> = {
    list: node({ next: { anyOf: [self, { type: 'null' }] } }, ['next']),
    tree: node({ children: { type: 'array', items: self } }, []),
    union: { anyOf: [node({ left: self, right: self }, ['left', 'right']), node({ leaf: { const: true } }, ['leaf'])] },
    root: node({ next: self }, []),
  }
  const nested = (value: unknown): unknown[] => {
    if (form === 'list')
      return [
        { value, next: null },
        { value, next: { value, next: null } },
      ]
    if (form === 'tree') return [{ value }, { value, children: [{ value, children: [] }, { value }] }]
    if (form === 'root') return [{ value }, { value, next: { value, next: { value } } }]
    const leaf = { value, leaf: true }
    return [leaf, { value, left: leaf, right: { value, left: leaf, right: leaf } }]
  }
  const whole = form === 'root' ? forms.root : { $ref: '#/$defs/node', $defs: { node: forms[form] } }
  return { schema: whole, values: values.slice(0, 2).flatMap(nested) }
}

/** The case with one of its schemas moved into a definition with a difficult name. */
function throughDefinition({ schema, values }: Case, name: string): Case {
  const pointer = encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))
  return { schema: { $ref: `#/$defs/${pointer}`, description: 'd', $defs: { [name]: schema } }, values }
}

describe('whatever the schema, every valid value comes back from the wire as it was, or the schema was sent loose with the reason', () => {
  const counts = { strict: 0, loose: 0, values: 0 }

  test.each<[string, fc.Arbitrary<Case>]>([
    ['as generated', cases],
    [
      'behind a definition',
      fc
        .tuple(cases, fc.constantFrom('x', 'a/b', 'List<T>', '50% ~', 'a b'))
        .map(([one, name]) => throughDefinition(one, name)),
    ],
    [
      'in a schema that refers to itself',
      fc
        .tuple(cases, fc.constantFrom('list' as const, 'tree' as const, 'union' as const, 'root' as const))
        .map(([one, form]) => recursive(one, form)),
    ],
  ])('%s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, ({ schema, values }) => {
        const made = toStrictSchema(schema)
        if (!made.strict) {
          expect(made.reason).not.toBe('')
          expect(made.pointer === '' || made.pointer.startsWith('/')).toBe(true)
          counts.loose += 1
          return
        }
        counts.strict += 1
        const ofStrict = new Validator(made.schema, '2020-12')
        for (const value of values) {
          const decode = (sent: unknown) => dropAddedNulls(schema, made.wrapped ? unwrap(sent) : sent)
          const isMeant = (sent: unknown) => isDeepStrictEqual(decode(sent), value)
          const sent = encodeMeant(made.schema, made.wrapped ? { value } : value, isMeant)
          expect(ofStrict.validate(sent)).toMatchObject({ valid: true })
          expect(decode(sent)).toEqual(value)
          counts.values += 1
        }
      }),
      { numRuns: Number(process.env['ROUND_TRIPS'] ?? 500) },
    )
  })

  test('and both happen often enough to say something', () => {
    expect(counts.strict).toBeGreaterThan(150)
    expect(counts.loose).toBeGreaterThan(150)
    expect(counts.values).toBeGreaterThan(250)
  })
})
