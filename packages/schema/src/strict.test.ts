import { Validator } from '@cfworker/json-schema'
import { describe, expect, it } from 'vitest'
import { processorSlowdown } from '../../../test/support/processor-time.ts'
import { dropAddedNulls } from './null-drop.ts'
import { toObjectSchema, toStrictSchema, unwrap } from './strict.ts'
import { encodeStrict } from './strict-encoder.test-support.ts'
import type { SchemaNode } from './subschemas.ts'
import { compileSchema } from './validator.ts'

const object = (properties: Record<string, unknown>, required: string[] = []) => ({
  type: 'object',
  properties,
  required,
})
const string = { type: 'string' }
/** An object with a `then` looks like a promise. */
const branch = (schema: SchemaNode) => JSON.parse(`{"then":${JSON.stringify(schema)}}`) as SchemaNode

/** What a strict model must answer for the instance, read back; fails where it cannot be expressed. */
function thereAndBack(schema: SchemaNode, instance: unknown): unknown {
  const strict = toStrictSchema(schema)
  if (!strict.strict) throw new Error(strict.reason)
  const sent = encodeStrict(strict.schema, strict.wrapped ? { value: instance } : instance)
  expect(new Validator(strict.schema as object, '2020-12').validate(sent)).toMatchObject({ valid: true })
  return dropAddedNulls(schema, strict.wrapped ? unwrap(sent) : sent)
}

describe('the strict form', () => {
  it('closes objects, requires every property and makes the optional ones nullable', () => {
    const schema = object(
      {
        name: string,
        age: { type: 'integer' },
        mood: { enum: ['good', 'bad'] },
        note: { type: ['string', 'null'] },
      },
      ['name', 'note'],
    )
    expect(toStrictSchema(schema)).toEqual({
      strict: true,
      wrapped: false,
      schema: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          age: { type: ['integer', 'null'] },
          mood: { anyOf: [{ enum: ['good', 'bad'], type: 'string' }, { type: 'null' }] },
          note: { type: ['string', 'null'] },
        },
        required: ['name', 'age', 'mood', 'note'],
        additionalProperties: false,
      },
    })
  })

  it('follows definitions, also recursive ones, and describes what it cannot express', () => {
    const schema = {
      ...object({ tree: { $ref: '#/definitions/node' } }, ['tree']),
      definitions: {
        node: object(
          {
            name: { type: 'string', minLength: 1, description: 'Its name' },
            children: { type: 'array', items: { $ref: '#/definitions/node' } },
          },
          ['name'],
        ),
      },
    }
    expect(toStrictSchema(schema)).toMatchObject({
      strict: true,
      schema: {
        properties: { tree: { $ref: '#/$defs/node' } },
        $defs: {
          node: {
            properties: {
              name: { description: 'Its name (minLength: 1)' },
              children: { type: ['array', 'null'], items: { $ref: '#/$defs/node' } },
            },
          },
        },
      },
    })
  })

  it('keeps the description beside a reference, and puts nothing beside the reference itself', () => {
    const schema = {
      ...object({ home: { $ref: '#/$defs/city', description: 'Where she lives' } }, ['home']),
      $defs: { city: string },
    }
    expect(toStrictSchema(schema)).toMatchObject({
      schema: { properties: { home: { anyOf: [{ $ref: '#/$defs/city' }], description: 'Where she lives' } } },
    })
  })

  it('keeps definitions apart whatever their names', () => {
    const names = ['a/b', 'a b', 'a_b', 'List<Item>', '50%', 'a%20b', 'ä', '~', 'constructor']
    const pointer = (name: string) => `#/$defs/${encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))}`
    const properties = Object.fromEntries(names.map((name, i) => [`p${i}`, { $ref: pointer(name) }]))
    const $defs = Object.fromEntries(names.map((name, i) => [name, { const: i }]))
    const schema = { ...object(properties, Object.keys(properties)), $defs }
    const instance = Object.fromEntries(names.map((_, i) => [`p${i}`, i]))
    expect(thereAndBack(schema, instance)).toEqual(instance)
    const { schema: sent } = toStrictSchema(schema)
    expect(Object.keys(sent['$defs'] as object)).toHaveLength(names.length)
    for (const name of Object.keys(sent['$defs'] as object)) expect(name).toMatch(/^[A-Za-z0-9_-]+$/)
  })

  it('takes X of $defs and X of definitions for two', () => {
    const schema = {
      ...object({ a: { $ref: '#/$defs/X' }, b: { $ref: '#/definitions/X' } }, ['a', 'b']),
      $defs: { X: string },
      definitions: { X: { type: 'integer' } },
    }
    expect(thereAndBack(schema, { a: 'x', b: 1 })).toEqual({ a: 'x', b: 1 })
  })

  it('merges bounds that are combined by allOf', () => {
    const schema = object({ n: { allOf: [{ type: 'integer', minimum: 1, maximum: 9 }, { minimum: 3 }], maximum: 5 } }, [
      'n',
    ])
    expect(toStrictSchema(schema).schema).toMatchObject({
      properties: { n: { type: 'integer', minimum: 3, maximum: 5 } },
    })
  })

  it('merges objects that are combined by allOf, and refers to recursive ones', () => {
    const schema = {
      allOf: [{ $ref: '#/$defs/named' }, object({ age: { type: 'integer' } }, ['age'])],
      unevaluatedProperties: false,
      $defs: { named: object({ name: string, friend: { $ref: '#' } }, ['name']) },
    }
    const instance = { name: 'Ada', age: 36, friend: { name: 'Bob', age: 3 } }
    expect(thereAndBack(schema, instance)).toEqual(instance)
  })

  it('is the definition that a root refers to, as in recursive models of pydantic', () => {
    const schema = {
      $defs: { Node: object({ name: string, next: { $ref: '#/$defs/Node' } }, ['name']) },
      $ref: '#/$defs/Node',
    }
    const strict = toStrictSchema(schema)
    expect(strict).toMatchObject({
      strict: true,
      wrapped: false,
      schema: { type: 'object', properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } } },
    })
    expect(thereAndBack(schema, { name: 'a', next: { name: 'b' } })).toEqual({ name: 'a', next: { name: 'b' } })
  })

  it.each<[string, SchemaNode, unknown]>([
    ['a list', { type: 'array', items: string }, ['a']],
    ['a scalar', { type: 'integer' }, 5],
    ['an enum', { enum: ['a', 'b'] }, 'b'],
    ['a union', { anyOf: [object({ a: string }, ['a']), object({ b: string }, ['b'])] }, { b: 'x' }],
    ['an object or null', { type: ['object', 'null'], properties: { a: string } }, null],
    ['a recursive list', { type: 'array', items: { $ref: '#' } }, [[], [[]]]],
    [
      'a reference to a list',
      { $ref: '#/$defs/l', $defs: { l: { type: 'array', items: { $ref: '#/$defs/l' } } } },
      [[]],
    ],
  ])('wraps %s at the root', (_, schema, instance) => {
    expect(toStrictSchema(schema)).toMatchObject({
      strict: true,
      wrapped: true,
      schema: { type: 'object', required: ['value'] },
    })
    expect(thereAndBack(schema, instance)).toEqual(instance)
  })

  it('does not wrap the type of one in a list', () => {
    expect(toStrictSchema({ type: ['object'], properties: { a: string }, required: ['a'] })).toMatchObject({
      strict: true,
      wrapped: false,
    })
  })

  it.each<[string, SchemaNode, unknown]>([
    ['a list or null', object({ a: { type: ['array', 'null'], items: string } }, ['a']), { a: null }],
    ['an optional enum', object({ a: { enum: ['x', 1] } }), {}],
    ['an enum without the null of its type', object({ a: { type: ['string', 'null'], enum: ['x'] } }), {}],
    [
      'an optional union of nullables of which only one may match',
      object({ a: { oneOf: [{ type: ['string', 'null'] }, { type: ['integer', 'null'] }] } }),
      {},
    ],
    ['an optional value that is not null', object({ a: { type: ['string', 'null'], not: { type: 'null' } } }), {}],
    [
      'an optional property whose absence means null',
      object({ a: { type: ['string', 'null'], default: null } }),
      { a: null },
    ],
    ['an optional reference', { ...object({ a: { $ref: '#/$defs/x' } }), $defs: { x: object({ b: string }) } }, {}],
    [
      'types beside a union',
      object({ a: { type: 'string', anyOf: [{ minLength: 3 }, { enum: ['x'] }] } }, ['a']),
      { a: 'x' },
    ],
    [
      'a form of another type beside a type',
      object({ a: { type: 'string', anyOf: [{ type: 'integer' }, { const: 'x' }] } }, ['a']),
      { a: 'x' },
    ],
    [
      'empty keywords beside a union',
      object({ a: { type: 'object', properties: {}, required: [], oneOf: [object({ b: string }, ['b'])] } }, ['a']),
      { a: { b: 'x' } },
    ],
    ['enum and const', object({ a: { enum: ['x', 'y'], const: 'y' } }, ['a']), { a: 'y' }],
    ['a property that is never there', object({ a: string, b: false }), { a: 'x' }],
    ['null as the only value', object({ a: { const: null } }, ['a']), { a: null }],
  ])('expresses %s', (_, schema, instance) => {
    expect(thereAndBack(schema, instance)).toEqual(instance)
  })

  it.each<[string, SchemaNode, string, RegExp]>([
    ['a record', object({ a: { type: 'object', additionalProperties: string } }), '/properties/a', /does not name/],
    ['a tuple', object({ a: { type: 'array', prefixItems: [string] } }), '/properties/a', /prefixItems/],
    [
      'a reference to itself',
      { ...object({ a: { $ref: '#/$defs/x' } }), $defs: { x: { anyOf: [{ $ref: '#/$defs/x' }, string] } } },
      '',
      /back to itself/,
    ],
    ['any value', object({ a: {} }), '/properties/a', /any value/],
    ['an object without properties', object({ a: { type: 'object' } }), '/properties/a', /without named properties/],
    ['a list of anything', object({ a: { type: 'array' } }), '/properties/a/items', /any value/],
    ['further properties', { ...object({ a: string }), additionalProperties: true }, '', /does not name/],
    ['properties without a type', object({ a: { properties: { b: string } } }), '/properties/a', /without a type/],
    ['properties beside a union', { ...object({ a: string }), anyOf: [{ required: ['a'] }] }, '', /beside anyOf/],
    [
      'items beside a union',
      object({ a: { type: ['array', 'null'], items: string, anyOf: [{ type: 'array' }] } }),
      '/properties/a',
      /items beside anyOf/,
    ],
    ['a union beside a union', object({ a: { anyOf: [string], oneOf: [string] } }), '/properties/a', /anyOf and oneOf/],
    [
      'required in then',
      { ...object({ a: string, b: string }), if: { required: ['a'] }, ...branch({ required: ['b'] }) },
      '',
      /required in if/,
    ],
    [
      'properties in dependentSchemas',
      { ...object({ a: string }), dependentSchemas: { a: { properties: { b: string } } } },
      '',
      /dependentSchemas/,
    ],
    [
      'properties of a definition in then',
      { ...object({ a: string }), ...branch({ $ref: '#/$defs/x' }), $defs: { x: { required: ['a'] } } },
      '',
      /in then/,
    ],
    [
      'allOf with two patterns',
      object({ a: { allOf: [{ type: 'string', pattern: 'a' }, { pattern: 'b' }] } }),
      '/properties/a',
      /pattern/,
    ],
    [
      'allOf with two types',
      object({ a: { allOf: [string, { type: 'integer' }] } }),
      '/properties/a',
      /different types/,
    ],
    [
      'allOf with a closed part',
      object({ a: { allOf: [{ ...object({ b: string }), additionalProperties: false }, object({ c: string })] } }),
      '/properties/a',
      /additionalProperties/,
    ],
    [
      'allOf with two unions',
      object({ a: { allOf: [{ anyOf: [string] }, { anyOf: [{ minLength: 1 }] }] } }),
      '/properties/a',
      /anyOf/,
    ],
    [
      'an optional property that accepts null',
      object({ a: { type: ['string', 'null'] } }),
      '/properties/a',
      /optional and accepts null/,
    ],
    [
      'an optional union of nullables',
      object({ a: { anyOf: [{ type: ['string', 'null'] }, { type: 'integer' }] } }),
      '/properties/a',
      /optional and accepts null/,
    ],
    ['a property that it requires and does not describe', object({ a: string }, ['b']), '', /requires "b"/],
    ['objects as values', object({ a: { enum: [{ b: 1 }] } }), '/properties/a', /objects or lists/],
    ['a value that nothing can be', object({ a: { type: 'string', enum: [1] } }), '/properties/a', /no value/],
    [
      'eleven levels',
      Array.from({ length: 10 }).reduce<SchemaNode>((inner) => object({ a: inner }), object({ a: string })),
      '/properties/a'.repeat(10),
      /10 levels/,
    ],
    [
      'too many properties',
      object(Object.fromEntries(Array.from({ length: 5_001 }, (_, i) => [`p${i}`, string]))),
      '',
      /5000 properties/,
    ],
    ['too many values', object({ a: { enum: Array.from({ length: 1_001 }, (_, i) => i) } }), '', /1000 enum values/],
    [
      'a long list of texts',
      object({ a: { enum: Array.from({ length: 251 }, (_, i) => `${i}`.padEnd(60)) } }),
      '',
      /15000 characters/,
    ],
    ['long names', object({ ['x'.repeat(120_001)]: string }), '', /120000 characters/],
  ])('leaves %s as the author wrote it, with the place and the reason', (_, schema, pointer, reason) => {
    const made = toStrictSchema(schema)
    expect(made).toEqual({
      strict: false,
      schema,
      wrapped: false,
      pointer,
      reason: expect.stringMatching(reason) as string,
    })
  })

  it('wraps a schema that it leaves, and its references still lead to the same schemas', () => {
    const schema = { type: 'array', items: { $ref: '#/$defs/any' }, $defs: { any: { anyOf: [string, { $ref: '#' }] } } }
    const { schema: sent, wrapped } = toObjectSchema(schema)
    expect(wrapped).toBe(true)
    const validator = new Validator(sent, '2020-12')
    expect(validator.validate({ value: ['a', ['b', []]] }).valid).toBe(true)
    expect(validator.validate({ value: ['a', [7]] }).valid).toBe(false)
  })

  it.each<[string, SchemaNode]>([
    [
      'unions of nullable types, 26 deep',
      nest(26, (inner) => ({ type: ['array', 'null'], items: string, anyOf: [inner] })),
    ],
    [
      'types with objects, 26 deep',
      nest(26, (inner) => ({
        type: ['array', 'object', 'null'],
        items: string,
        properties: { a: inner },
        required: ['a'],
      })),
    ],
    [
      'types beside unions, 26 deep',
      nest(26, (inner) => ({ type: ['array', 'object', 'null'], anyOf: [inner, { type: 'array', items: string }] })),
    ],
    ['definitions that are combined twice each, 40 of them', doubledDefinitions(40)],
  ])('is made in bounded time: %s', (_, inner) => {
    const schema = inner['$defs'] === undefined ? object({ a: inner }, ['a']) : inner
    expect(quickest(() => toStrictSchema(schema))).toBeLessThan(1_000 * processorSlowdown())
  })
})

/** Milliseconds of this process's own work in the quickest of five runs: on a busy machine the clock says little. */
function quickest(work: () => unknown): number {
  const runs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  })
  return Math.min(...runs)
}

function nest(levels: number, around: (inner: SchemaNode) => SchemaNode): SchemaNode {
  let node: SchemaNode = { type: ['string', 'null'] }
  for (let i = 0; i < levels; i += 1) node = around(node)
  return node
}

function doubledDefinitions(count: number): SchemaNode {
  const $defs = Object.fromEntries(
    Array.from({ length: count }, (_, i) => {
      const next = i + 1 === count ? string : { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { minProperties: 1 }] }
      return [`d${i}`, object({ a: next, b: next }, ['a', 'b'])]
    }),
  )
  return { ...object({ a: { allOf: [{ $ref: '#/$defs/d0' }, { minProperties: 1 }] } }, ['a']), $defs }
}

describe('the nulls that strict mode adds', () => {
  const person = object(
    {
      name: string,
      age: { type: 'integer' },
      note: { type: ['string', 'null'] },
      home: { $ref: '#/$defs/home' },
    },
    ['name'],
  )
  const schema = {
    ...person,
    properties: {
      ...person.properties,
      tags: { type: 'array', items: { type: ['string', 'null'] } },
      pet: {
        anyOf: [
          object({ kind: { const: 'cat' }, lives: { type: 'integer' } }, ['kind']),
          object({ kind: { const: 'dog' }, breed: { type: 'string' } }, ['kind']),
        ],
      },
    },
    $defs: { home: object({ city: { type: 'string' } }) },
  }

  it('are dropped where the property is optional and does not accept null, and nowhere else', () => {
    const answer = {
      name: null,
      age: null,
      note: null,
      home: { city: null },
      tags: [null, 'a'],
      pet: { kind: 'dog', breed: null },
    }
    expect(dropAddedNulls(schema, answer)).toEqual({
      name: null,
      note: null,
      home: {},
      tags: [null, 'a'],
      pet: { kind: 'dog' },
    })
  })

  it('leave an answer that is valid by the schema as its author wrote it', () => {
    const dropped = dropAddedNulls(schema, { name: 'Ada', age: null, note: null, home: null, tags: null, pet: null })
    expect(dropped).toEqual({ name: 'Ada', note: null })
    expect(compileSchema(schema).validate(dropped)).toEqual({ valid: true })
  })

  it('are not looked for where there are none: the same value comes back', () => {
    const answer = { name: 'Ada', tags: ['a'] }
    expect(dropAddedNulls(schema, answer)).toBe(answer)
  })

  it('are dropped by the form that the answer has, also without a tag', () => {
    const union = {
      anyOf: [object({ a: string, x: string }), object({ b: string, x: { type: ['string', 'null'] } }, ['x'])],
    }
    expect(dropAddedNulls(union, { a: 'a', x: null })).toEqual({ a: 'a' })
    expect(dropAddedNulls(union, { b: 'b', x: null })).toEqual({ b: 'b', x: null })
  })

  const leaf = { value: 1, unit: null }
  const expression = {
    anyOf: [
      { $ref: '#/$defs/add' },
      { $ref: '#/$defs/mul' },
      object({ value: { type: 'number' }, unit: string }, ['value']),
    ],
  }
  const operator = (op: string) =>
    object({ op: { const: op }, left: { $ref: '#/$defs/e' }, right: { $ref: '#/$defs/e' }, note: string }, [
      'op',
      'left',
      'right',
    ])
  const untagged = (name: string) =>
    object(
      {
        [name]: object({ left: { $ref: '#/$defs/e' }, right: { $ref: '#/$defs/e' } }, ['left', 'right']),
        note: string,
      },
      [name],
    )
  const chain = (levels: number, around: (inner: unknown, i: number) => unknown, end: unknown = leaf): unknown => {
    let value = end
    for (let i = 0; i < levels; i += 1) value = around(value, i)
    return value
  }
  const tree = (levels: number): unknown =>
    levels === 0
      ? { value: 1, unit: null }
      : { op: levels % 2 ? 'add' : 'mul', left: tree(levels - 1), right: tree(levels - 1), note: null }

  it.each<[string, SchemaNode, unknown]>([
    ['a tree of 127 nodes', { $defs: { e: expression, add: operator('add'), mul: operator('mul') } }, tree(6)],
    ['a tree of 511 nodes', { $defs: { e: expression, add: operator('add'), mul: operator('mul') } }, tree(8)],
    [
      'a chain of 400 nodes',
      { $defs: { e: expression, add: operator('add'), mul: operator('mul') } },
      chain(200, (inner, i) => ({ op: i % 2 ? 'add' : 'mul', left: inner, right: leaf, note: null })),
    ],
    [
      'a chain of 400 nodes without tags',
      { $defs: { e: expression, add: untagged('add'), mul: untagged('mul') } },
      chain(200, (inner, i) => ({ [i % 2 ? 'add' : 'mul']: { left: inner, right: leaf }, note: null })),
    ],
    [
      'a chain of forms that differ only at its end',
      {
        $defs: {
          e: { anyOf: [{ $ref: '#/$defs/add' }, { $ref: '#/$defs/mul' }] },
          add: object({ in: { $ref: '#/$defs/e' }, a: string }),
          mul: object({ in: { $ref: '#/$defs/e' }, b: string }),
        },
      },
      chain(200, (inner) => ({ in: inner, b: null }), { b: null }),
    ],
  ])('of a recursive union are dropped in under 50 ms: %s', (_, definitions, answer) => {
    const root = { ...object({ e: { $ref: '#/$defs/e' } }, ['e']), ...definitions }
    // Every null of these answers is one that strict mode added.
    const withoutNulls: unknown = JSON.parse(JSON.stringify({ e: answer }, (_, value: unknown) => value ?? undefined))
    expect(dropAddedNulls(root, { e: answer })).toEqual(withoutNulls)
    expect(quickest(() => dropAddedNulls(root, { e: answer }))).toBeLessThan(50)
  })

  it('stay where finding them would take too long', () => {
    const forms = Array.from({ length: 500 }, (_, i) => object({ [`p${i}`]: string, x: string }))
    const root = { type: 'array', items: { anyOf: forms } }
    const answer = Array.from({ length: 1_000 }, () => ({ y: 1, x: null }))
    expect(dropAddedNulls(root, answer)).toBe(answer)
    expect(quickest(() => dropAddedNulls(root, answer))).toBeLessThan(2_000)
  })
})

it('is refused for a null that means two things, also where a form of the union is a union itself', () => {
  const forms = [object({ a: string }), object({ a: { type: 'null' } }, ['a'])]
  for (const union of [forms, [{ oneOf: [forms[0], { type: 'null' }] }, forms[1]]])
    expect(toStrictSchema({ type: 'array', items: { anyOf: union } })).toMatchObject({
      strict: false,
      reason: expect.stringContaining('means two things') as string,
    })
})

it('is read back by the list of a union that names the properties of its elements', () => {
  const lists = { anyOf: ['x', 'a'].map((name) => ({ type: 'array', items: object({ [name]: string }) })) }
  for (const value of [[{ x: '' }, {}], [{}, { a: '' }], []]) expect(thereAndBack(lists, value)).toEqual(value)
})
