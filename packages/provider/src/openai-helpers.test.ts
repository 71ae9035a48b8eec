import { checkSchema } from '@sluice/schema/check'
import { dropAddedNulls } from '@sluice/schema/null-drop'
import { toStrictSchema, unwrap } from '@sluice/schema/strict'
import { encodeStrict } from '@sluice/schema/strict-encoder.test-support'
import { createValidator } from '@sluice/schema/validator'
import { zodToJsonSchema } from 'openai/_vendor/zod-to-json-schema/index.mjs'
import { zodResponseFormat } from 'openai/helpers/zod'
import { describe, expect, test } from 'vitest'
import { z as z3 } from 'zod/v3'
import { z as z4 } from 'zod/v4'

/** Both versions have what the table uses. */
type Zod = typeof z3

/** What people give to the helpers of the package `openai`, with values that must survive the way to the wire and back. */
const models: [name: string, make: (z: Zod) => unknown, values: unknown[]][] = [
  [
    'scalars',
    (z) => z.object({ s: z.string(), n: z.number(), i: z.number().int(), b: z.boolean() }),
    [{ s: 'x', n: 1.5, i: 2, b: true }],
  ],
  ['a nullable', (z) => z.object({ a: z.string().nullable() }), [{ a: null }, { a: 'x' }]],
  ['an optional', (z) => z.object({ a: z.string().optional(), b: z.number() }), [{ b: 1 }, { a: 'x', b: 1 }]],
  ['an optional nullable', (z) => z.object({ a: z.string().nullable().optional() }), [{}, { a: null }, { a: 'x' }]],
  [
    'a nullish enum',
    (z) => z.object({ a: z.enum(['c', 'f']).nullish(), b: z.string() }),
    [{ b: '' }, { a: null, b: '' }, { a: 'c', b: '' }],
  ],
  ['a default', (z) => z.object({ a: z.enum(['c', 'f']).default('c'), b: z.string() }), [{ a: 'f', b: '' }]],
  ['a default of null', (z) => z.object({ a: z.string().nullable().default(null) }), [{ a: null }, { a: 'x' }]],
  [
    'enums',
    (z) => z.object({ a: z.enum(['=', '>', '<=']), b: z.array(z.enum(['x', 'y'])) }),
    [{ a: '<=', b: ['x', 'y', 'x'] }],
  ],
  ['a native enum of numbers', (z) => z.object({ a: z.nativeEnum({ One: 1, Two: 2 } as const) }), [{ a: 2 }]],
  [
    'a native enum of both',
    (z) => z.object({ a: z.nativeEnum({ One: 1, Two: 'two' } as const) }),
    [{ a: 'two' }, { a: 1 }],
  ],
  [
    'literals',
    (z) => z.object({ a: z.literal('x'), b: z.literal(5), c: z.literal(true), d: z.literal(null) }),
    [{ a: 'x', b: 5, c: true, d: null }],
  ],
  [
    'a literal that looks like a reference',
    (z) => z.object({ $ref: z.literal('#/definitions/a') }),
    [{ $ref: '#/definitions/a' }],
  ],
  [
    'a union of scalars',
    (z) => z.object({ a: z.union([z.string(), z.number(), z.null()]) }),
    [{ a: null }, { a: 'x' }, { a: 1 }],
  ],
  [
    'a union of objects',
    (z) => z.object({ a: z.union([z.object({ x: z.string() }), z.object({ y: z.number() })]) }),
    [{ a: { x: '' } }, { a: { y: 1 } }],
  ],
  [
    'a union of objects with optionals',
    (z) =>
      z.object({
        a: z.union([
          z.object({ x: z.string(), z: z.string().optional() }),
          z.object({ y: z.number(), z: z.number().optional() }),
        ]),
      }),
    [{ a: { x: '' } }, { a: { y: 1, z: 1 } }, { a: { x: '', z: '' } }],
  ],
  [
    'a tagged union',
    (z) =>
      z.object({
        a: z.discriminatedUnion('k', [
          z.object({ k: z.literal('a'), v: z.string() }),
          z.object({ k: z.literal('b'), v: z.number().optional() }),
        ]),
      }),
    [{ a: { k: 'a', v: '' } }, { a: { k: 'b' } }],
  ],
  [
    'a list of tagged unions',
    (z) =>
      z.object({
        a: z.array(
          z.discriminatedUnion('k', [
            z.object({ k: z.literal('a') }),
            z.object({ k: z.literal('b'), v: z.string().nullable() }),
          ]),
        ),
      }),
    [{ a: [{ k: 'a' }, { k: 'b', v: null }] }, { a: [] }],
  ],
  [
    'a nullable object',
    (z) => z.object({ a: z.object({ b: z.string() }).nullable() }),
    [{ a: null }, { a: { b: 'x' } }],
  ],
  [
    'an optional object with optionals',
    (z) => z.object({ a: z.object({ b: z.string().optional() }).optional(), c: z.string() }),
    [{ c: '' }, { a: {}, c: '' }, { a: { b: 'x' }, c: '' }],
  ],
  ['lists in lists', (z) => z.object({ a: z.array(z.array(z.number().nullable())) }), [{ a: [[1, null], []] }]],
  ['a list with bounds', (z) => z.object({ a: z.array(z.string().min(1)).min(1).max(3) }), [{ a: ['x'] }]],
  [
    'numbers with bounds',
    (z) => z.object({ a: z.number().min(1).max(9), b: z.number().gt(0).lt(1), c: z.number().multipleOf(0.5) }),
    [{ a: 9, b: 0.5, c: 1.5 }],
  ],
  [
    'texts with bounds',
    (z) => z.object({ a: z.string().min(2).max(3), b: z.string().regex(/^[a-z]+$/), c: z.string().email() }),
    [{ a: 'ab', b: 'x', c: 'a@b.co' }],
  ],
  [
    'formats',
    (z) => z.object({ a: z.string().uuid(), b: z.string().datetime(), c: z.string().url() }),
    [{ a: '3fa85f64-5717-4562-b3fc-2c963f66afa6', b: '2020-01-01T00:00:00Z', c: 'https://a.b/' }],
  ],
  ['a record', (z) => z.object({ a: z.record(z.string(), z.number()) }), [{ a: { x: 1 } }, { a: {} }]],
  ['an open object', (z) => z.object({ a: z.object({ b: z.string() }).passthrough() }), [{ a: { b: 'x' } }]],
  ['an object without properties', (z) => z.object({ a: z.object({}) }), [{ a: {} }]],
  ['a tuple', (z) => z.object({ a: z.tuple([z.string(), z.number()]) }), [{ a: ['x', 1] }]],
  [
    'any value',
    (z) => z.object({ a: z.any(), b: z.string() }),
    [
      { a: 1, b: '' },
      { a: null, b: '' },
    ],
  ],
  ['unknown values in a list', (z) => z.object({ a: z.array(z.unknown()) }), [{ a: [1, null, 'x'] }]],
  [
    'an intersection',
    (z) => z.object({ a: z.intersection(z.object({ x: z.string() }), z.object({ y: z.number() })) }),
    [{ a: { x: '', y: 1 } }],
  ],
  [
    'descriptions',
    (z) =>
      z
        .object({ a: z.string().describe('the a'), b: z.object({ c: z.number().describe('the c') }).describe('the b') })
        .describe('all'),
    [{ a: '', b: { c: 1 } }],
  ],
  [
    'one schema at several places',
    (z) => {
      const s = z.string().nullable().optional()
      return z.object({ a: s, b: s, c: s })
    },
    [{}, { a: null }, { a: 'x', c: null }],
  ],
  [
    'one object at several places',
    (z) => {
      const o = z.object({ x: z.string(), y: z.number().nullable() })
      return z.object({ a: o, b: z.array(o), c: o.nullable() })
    },
    [{ a: { x: '', y: null }, b: [{ x: '', y: 1 }], c: null }],
  ],
  [
    'one optional object at several places',
    (z) => {
      const o = z.object({ x: z.string() }).nullable().optional()
      return z.object({ a: o, b: o })
    },
    [{}, { a: null, b: { x: '' } }],
  ],
  [
    'names that collide when they are flattened',
    (z) => {
      const s = z.string()
      const n = z.number()
      return z.object({ a: z.object({ b: s, again: s }), a_properties_b: n, other: n })
    },
    [{ a: { b: 'x', again: 'y' }, a_properties_b: 1, other: 2 }],
  ],
  [
    'names of every kind',
    (z) =>
      z.object({
        'a/b': z.string(),
        'a~b': z.string(),
        'a b': z.string(),
        'a%b': z.string(),
        ü: z.string(),
        hasOwnProperty: z.string(),
        properties: z.object({ type: z.string() }),
        required: z.array(z.string()),
      }),
    [
      {
        'a/b': '1',
        'a~b': '2',
        'a b': '3',
        'a%b': '4',
        ü: '5',
        hasOwnProperty: '6',
        properties: { type: '7' },
        required: ['8'],
      },
    ],
  ],
  [
    'a list that recurs',
    (z) => {
      const node: z3.ZodTypeAny = z.lazy(() => z.object({ v: z.string(), next: node.nullable() }))
      return z.object({ head: node })
    },
    [{ head: { v: 'a', next: { v: 'b', next: null } } }],
  ],
  [
    'a tree that recurs',
    (z) => {
      const node: z3.ZodTypeAny = z.lazy(() => z.object({ v: z.string(), children: z.array(node) }))
      return z.object({ first: node, second: node })
    },
    [{ first: { v: 'a', children: [{ v: 'b', children: [] }] }, second: { v: '', children: [] } }],
  ],
  [
    'a tree with optional children',
    (z) => {
      const node: z3.ZodTypeAny = z.lazy(() =>
        z.object({ v: z.string().nullable(), children: z.array(node).optional() }),
      )
      return z.object({ root: node })
    },
    [{ root: { v: null } }, { root: { v: 'a', children: [{ v: null }] } }],
  ],
  [
    'trees in each other',
    (z) => {
      const a: z3.ZodTypeAny = z.lazy(() => z.object({ b: b.nullable() }))
      const b: z3.ZodTypeAny = z.lazy(() => z.object({ a: a.nullable() }))
      return z.object({ root: a })
    },
    [{ root: { b: { a: { b: null } } } }],
  ],
  [
    'an expression',
    (z) => {
      const e: z3.ZodTypeAny = z.lazy(() =>
        z.union([z.object({ op: z.literal('+'), l: e, r: e }), z.object({ v: z.number() })]),
      )
      return z.object({ e })
    },
    [{ e: { op: '+', l: { v: 1 }, r: { op: '+', l: { v: 2 }, r: { v: 3 } } } }],
  ],
  [
    'steps of reasoning',
    (z) =>
      z.object({ steps: z.array(z.object({ explanation: z.string(), output: z.string() })), final_answer: z.string() }),
    [{ steps: [{ explanation: 'a', output: 'b' }], final_answer: 'c' }],
  ],
  [
    'a query',
    (z) =>
      z.object({
        table: z.enum(['orders', 'products']),
        where: z.array(
          z.object({
            column: z.string(),
            op: z.enum(['=', '>']),
            value: z.union([z.string(), z.number(), z.object({ column_name: z.string() })]),
          }),
        ),
      }),
    [
      {
        table: 'orders',
        where: [
          { column: 'a', op: '=', value: { column_name: 'b' } },
          { column: 'a', op: '>', value: 1 },
        ],
      },
    ],
  ],
]

/** How the package `openai` and its copy of zod-to-json-schema write one schema. */
const writers: [name: string, write: (make: (z: Zod) => unknown) => unknown][] = [
  ['zodResponseFormat, zod 3', (make) => zodResponseFormat(make(z3) as never, 'root').json_schema.schema],
  [
    'zodResponseFormat, zod 4',
    (make) => zodResponseFormat(make(z4 as unknown as Zod) as never, 'root').json_schema.schema,
  ],
  ['zod 4 itself', (make) => z4.toJSONSchema(make(z4 as unknown as Zod) as z4.ZodType, { io: 'input', reused: 'ref' })],
  ['zod-to-json-schema', (make) => zodToJsonSchema(make(z3) as never)],
  ['zod-to-json-schema, OpenAPI', (make) => zodToJsonSchema(make(z3) as never, { target: 'openApi3' })],
  [
    'zod-to-json-schema, definitions',
    (make) =>
      zodToJsonSchema(make(z3) as never, {
        name: 'root',
        nameStrategy: 'duplicate-ref',
        $refStrategy: 'extract-to-root',
      }),
  ],
]

const counts = { schemas: 0, strict: 0, loose: 0, refused: 0, values: 0 }

/** The helpers refuse some models themselves. */
function written(write: () => unknown): Record<string, unknown> | null {
  try {
    // As it goes through HTTP.
    return JSON.parse(JSON.stringify(write())) as Record<string, unknown>
  } catch {
    return null
  }
}

describe.each(writers)('a schema as %s writes it', (_, write) => {
  test.each(models)(
    '%s: each value comes back from the wire, or the schema is sent loose with the reason',
    (_name, make, values) => {
      const schema = written(() => write(make))
      if (schema === null) {
        counts.refused += 1
        return
      }
      counts.schemas += 1
      expect(checkSchema(schema)).toMatchObject({ ok: true })
      const made = toStrictSchema(schema)
      if (!made.strict) {
        expect(made.reason).not.toBe('')
        counts.loose += 1
        return
      }
      counts.strict += 1
      const onWire = createValidator(made.schema)
      const validator = createValidator(schema)
      for (const value of values) {
        // What the helpers require: all properties, null for those that the author left out.
        if (!validator.validate(value).valid) continue
        const sent = encodeStrict(made.schema, made.wrapped ? { value } : value)
        expect(onWire.validate(sent)).toEqual({ valid: true })
        expect(dropAddedNulls(schema, made.wrapped ? unwrap(sent) : sent)).toEqual(value)
        counts.values += 1
      }
    },
  )
})

test('enough of these schemas are strict to say something', () => {
  expect(counts.schemas).toBeGreaterThan(200)
  expect(counts.strict).toBeGreaterThan(120)
  expect(counts.values).toBeGreaterThan(180)
})
