import { describe, expect, it } from 'vitest'
import { checkSchema } from './check.ts'
import { createValidator } from './validator.ts'

const draft04 = 'http://json-schema.org/draft-04/schema#'
const isValid = (schema: Record<string, unknown>, value: unknown) => createValidator(schema).validate(value).valid

describe('a schema of another dialect means what it meant', () => {
  it.each<[string, Record<string, unknown>, unknown, unknown]>([
    ['draft-04: a boolean bound', { $schema: draft04, minimum: 3, exclusiveMinimum: true }, 4, 3],
    ['the same without $schema', { minimum: 3, exclusiveMinimum: true }, 4, 3],
    [
      'draft-04: id and definitions',
      { $schema: draft04, id: 'http://a.example/b', $ref: '#/definitions/x', definitions: { x: { type: 'string' } } },
      'a',
      1,
    ],
    [
      'draft-07: nothing beside $ref counts',
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        properties: { a: { $ref: '#/definitions/x', maxLength: 1 } },
        definitions: { x: { type: 'string' } },
      },
      { a: 'long' },
      { a: 1 },
    ],
    [
      '2020-12: what is beside $ref counts',
      { properties: { a: { $ref: '#/$defs/x', maxLength: 1 } }, $defs: { x: { type: 'string' } } },
      { a: 'l' },
      { a: 'long' },
    ],
    ['draft-07: a list in items', { items: [{ type: 'string' }], additionalItems: false }, ['a'], ['a', 'b']],
    [
      'draft-07: a pointer into such a list',
      { items: [{ type: 'string' }, { $ref: '#/items/0' }] },
      ['a', 'b'],
      ['a', 1],
    ],
    ['draft-07: dependencies', { dependencies: { a: ['b'], c: { required: ['d'] } } }, { a: 1, b: 1 }, { c: 1 }],
    [
      'draft-06: an anchor by $id',
      {
        $schema: 'http://json-schema.org/draft-06/schema#',
        properties: { a: { $ref: '#x' } },
        definitions: { x: { $id: '#x', type: 'string' } },
      },
      { a: 'a' },
      { a: 1 },
    ],
    [
      'OpenAPI 3.0: nullable',
      { type: 'object', properties: { a: { type: 'string', nullable: true } } },
      { a: null },
      { a: 1 },
    ],
    [
      'OpenAPI 3.0: components',
      {
        $ref: '#/components/schemas/A',
        components: {
          schemas: {
            A: { type: 'object', properties: { a: { $ref: '#/components/schemas/B' } } },
            B: { type: 'integer' },
          },
        },
      },
      { a: 1 },
      { a: 'x' },
    ],
    [
      '2019-09: contains leaves items unevaluated',
      {
        $schema: 'https://json-schema.org/draft/2019-09/schema',
        contains: { const: 1 },
        items: [{}],
        unevaluatedItems: { type: 'string' },
      },
      [1, 'a'],
      ['a', 1],
    ],
    [
      'nested ids',
      {
        $id: 'https://a.example/root',
        properties: { a: { $ref: 'item' } },
        $defs: { i: { $id: 'item', properties: { b: { $ref: '#/$defs/n' } }, $defs: { n: { type: 'number' } } } },
      },
      { a: { b: 1 } },
      { a: { b: '1' } },
    ],
    [
      'a reference into a keyword that is not known',
      { properties: { a: { $ref: '#/x-types/t' } }, 'x-types': { t: { type: 'string', pattern: '^a' } } },
      { a: 'a' },
      { a: 'b' },
    ],
    [
      'a dynamic reference with one target',
      {
        $id: 'https://a.example/tree',
        $dynamicAnchor: 'node',
        type: 'object',
        properties: { children: { items: { $dynamicRef: '#node' } } },
      },
      { children: [{}] },
      { children: [1] },
    ],
    [
      'a definition whose name has to be encoded',
      { $ref: '#/$defs/List%3Ca%20b%3E', $defs: { 'List<a b>': { type: 'string' }, 'x/y%': {} } },
      'a',
      1,
    ],
  ])('%s', (_, schema, right, wrong) => {
    expect(checkSchema(schema)).toMatchObject({ ok: true })
    expect([right, isValid(schema, right), wrong, isValid(schema, wrong)]).toEqual([right, true, wrong, false])
  })

  it('stays as it is when it is normalised again', () => {
    const first = checkSchema({
      $schema: draft04,
      id: 'x',
      properties: { a: { $ref: '#/definitions/a b' } },
      definitions: { 'a b': { items: [{}] } },
    })
    if (!first.ok) throw new Error(first.message)
    expect(checkSchema(first.schema)).toMatchObject({ ok: true, schema: first.schema, warnings: [] })
  })
})

describe('a verdict that other validators get wrong', () => {
  it.each<[string, Record<string, unknown>, string, boolean]>([
    ['a number that cannot be stored', {}, '{"a":1e400}', false],
    ['a number that cannot be stored, where any number may be', { type: 'number' }, '1e400', false],
    ['multipleOf with decimals', { multipleOf: 0.01 }, '19.99', true],
    ['multipleOf, wrong in the tenth place', { multipleOf: 0.01 }, '19.9900000001', false],
    ['date-time without T', { format: 'date-time' }, '"2020-01-01 00:00:00Z"', false],
    ['a leap second', { format: 'date-time' }, '"1998-12-31T23:59:60Z"', true],
    ['a leap second at noon', { format: 'time' }, '"12:00:60Z"', false],
    ['unevaluatedItems beside contains', { contains: { const: 1 }, unevaluatedItems: false }, '[1,1]', true],
    ['unevaluatedItems beside contains, one more', { contains: { const: 1 }, unevaluatedItems: false }, '[1,2]', false],
    [
      'unevaluatedProperties beside if without then',
      { if: { properties: { a: { const: 1 } }, required: ['a'] }, unevaluatedProperties: false },
      '{"a":1}',
      true,
    ],
    [
      'unevaluatedProperties beside anyOf',
      { anyOf: [{ properties: { a: true } }, { properties: { b: true } }], unevaluatedProperties: false },
      '{"a":1,"b":1}',
      true,
    ],
    [
      'equal items that differ in order and in writing',
      { uniqueItems: true },
      '[{"a":1,"b":0},{"b":-0,"a":1.0}]',
      false,
    ],
    ['length in characters', { maxLength: 2 }, '"💩💩"', true],
    ['a property that every object inherits', { required: ['toString'] }, '{}', false],
  ])('%s', (_, schema, json, verdict) => {
    expect(isValid(schema, JSON.parse(json))).toBe(verdict)
  })
})

describe('a warning', () => {
  it.each<[Record<string, unknown>, string, RegExp]>([
    [
      { properties: { a: { minLenght: 3 } } },
      '/properties/a/minLenght',
      /not a keyword that is known: it is not checked; did you mean 'minLength'/,
    ],
    [
      { properties: { a: { format: 'datetime' } } },
      '/properties/a/format',
      /'datetime' is not known: it is not checked; did you mean 'date-time'/,
    ],
    [{ $schema: draft04, properties: { a: { const: 3 } } }, '/properties/a/const', /not a keyword of draft-04/],
    [
      { $schema: draft04, properties: { a: { $ref: '#', minLength: 3 } } },
      '/properties/a/minLength',
      /ignored beside \$ref/,
    ],
    [{ contentEncoding: 'base64' }, '/contentEncoding', /not checked/],
    [
      { type: 'object', properties: { a: { allOf: [{}], nullable: true } } },
      '/properties/a/nullable',
      /null is valid, too/,
    ],
  ])('names what is not checked in %j', (schema, pointer, message) => {
    const checked = checkSchema(schema)
    expect(checked).toMatchObject({
      ok: true,
      warnings: [{ pointer, message: expect.stringMatching(message) as string }],
    })
  })

  it('is not given for annotations and extensions', () => {
    expect(
      checkSchema({ 'x-order': 1, $comment: 'a', readOnly: true, example: 1, description: 'a', deprecated: true }),
    ).toMatchObject({ ok: true, warnings: [] })
  })
})

describe('a schema that no value can match is refused at the place that makes it so', () => {
  it.each<[string, Record<string, unknown>, string]>([
    [
      'disjoint types',
      { type: 'object', required: ['a'], properties: { a: { allOf: [{ type: 'string' }, { type: 'number' }] } } },
      '/properties/a',
    ],
    ['bounds that cross', { type: 'integer', minimum: 3, maximum: 2 }, ''],
    ['an enum of other types', { type: 'string', enum: [1, 2] }, ''],
    ['an empty enum', { enum: [] }, ''],
    [
      'recursion without an end',
      { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] },
      '/properties/a',
    ],
    ['a required property that is forbidden', { type: 'object', additionalProperties: false, required: ['a'] }, ''],
    ['false', { type: 'object', required: ['a'], properties: { a: false } }, '/properties/a'],
    ['the negation of everything', { not: {} }, ''],
  ])('%s', (_, schema, pointer) => {
    expect(checkSchema(schema)).toEqual({ ok: false, pointer, message: 'cannot be valid for any value' })
  })

  it.each<[string, Record<string, unknown>]>([
    [
      'recursion with an end',
      { type: 'object', properties: { a: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }, required: ['a'] },
    ],
    ['an optional part that is impossible', { type: 'object', properties: { a: false } }],
    ['bounds of another type', { type: 'string', minimum: 3, maximum: 2 }],
  ])('%s is accepted', (_, schema) => {
    expect(checkSchema(schema)).toMatchObject({ ok: true })
  })
})
