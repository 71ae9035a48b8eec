import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import * as mini from 'zod/mini'
import type { JsonSchemaValue } from './json-schema-value.ts'
import { readSchema, type Schema, type ValueOf } from './schema.ts'

test('a zod schema is sent as its input type, and checks with refinements, transforms and defaults', async () => {
  const Person = z.object({
    name: z.string().transform((name) => name.toUpperCase()),
    age: z.int().refine((age) => age < 150, 'nobody is that old'),
    country: z.string().default('unknown'),
  })
  const { json, check } = readSchema(Person)
  expect(json).toMatchObject({ type: 'object', required: ['name', 'age'], properties: { name: { type: 'string' } } })
  expect(await check({ name: 'Ann', age: 3 })).toEqual({ ok: true, value: { name: 'ANN', age: 3, country: 'unknown' } })
  expect(await check({ name: 'Ann', age: 151 })).toEqual({ ok: false, errors: ['age: nobody is that old'] })
  expectTypeOf<ValueOf<typeof Person>>().toEqualTypeOf<{ name: string; age: number; country: string }>()
})

test('zod/mini works, too', async () => {
  const Person = mini.object({ name: mini.string() })
  const { json, check } = readSchema(Person)
  expect(json).toMatchObject({ type: 'object', required: ['name'] })
  expect(await check({ name: 1 })).toMatchObject({ ok: false })
  expectTypeOf<ValueOf<typeof Person>>().toEqualTypeOf<{ name: string }>()
})

test('a JSON Schema is sent unchanged and checked without code generation', async () => {
  const schema = { type: 'object', properties: { age: { type: 'integer', minimum: 0 } }, required: ['age'] }
  const { json, check } = readSchema(schema)
  expect(json).toBe(schema)
  expect(await check({ age: 3 })).toEqual({ ok: true, value: { age: 3 } })
  expect(await check({ age: -3 })).toMatchObject({
    ok: false,
    errors: expect.arrayContaining([expect.stringContaining('age')]),
  })
})

test('a schema that the runtime cannot check is left to the server', async () => {
  // RE2 takes an escaped hyphen; a JavaScript pattern with the flag u does not.
  const { check } = readSchema({ type: 'object', properties: { n: { type: 'string', pattern: '^\\d\\-\\d$' } } })
  expect(await check({ n: '1-2' })).toEqual({ ok: true, value: { n: '1-2' } })
})

test('a value that is not a schema, or not expressible in JSON Schema, is rejected with the fix', () => {
  expect(() => readSchema('person' as unknown as Schema)).toThrow('Give a zod 4 schema')
  expect(() => readSchema({ _def: {}, parse: () => 1 })).toThrow('zod 4')
  expect(() => readSchema(z.object({ at: z.date() }))).toThrow('describe the JSON form, and add a transform')
})

test('a JSON Schema that is written in place gives the type', () => {
  type Value = JsonSchemaValue<{
    readonly type: 'object'
    readonly properties: {
      readonly name: { readonly type: 'string' }
      readonly age: { readonly type: readonly ['integer', 'null'] }
      readonly tags: { readonly type: 'array'; readonly items: { readonly enum: readonly ['a', 'b'] } }
      readonly home: { readonly anyOf: readonly [{ readonly type: 'null' }, { readonly type: 'boolean' }] }
      readonly other: { readonly $ref: '#/$defs/x' }
    }
    readonly required: readonly ['name', 'age']
  }>
  expectTypeOf<Value>().toEqualTypeOf<{
    name: string
    age: number | null
    tags?: ('a' | 'b')[]
    home?: boolean | null
    other?: unknown
  }>()
  expectTypeOf<JsonSchemaValue<Record<string, unknown>>>().toEqualTypeOf<unknown>()
  expectTypeOf<ValueOf<Schema>>().toEqualTypeOf<unknown>()
})
