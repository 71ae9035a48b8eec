import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createCodeExtractor, refineFor } from './code-extractor.ts'

const person = createCodeExtractor({
  name: 'person',
  schema: z.object({
    name: z.string().transform((name) => name.trim()),
    age: z.int().refine((age) => age < 150, 'nobody is that old'),
    born: z.iso
      .date()
      .transform((text) => new Date(text))
      .optional(),
    tags: z.array(z.string()).default([]),
  }),
})

describe('a code-first extractor', () => {
  it('shows the model the input side of its schema', () => {
    expect(person.definition.schema).toMatchObject({
      type: 'object',
      properties: {
        name: { type: 'string' },
        age: { type: 'integer' },
        born: { type: 'string' },
        tags: { type: 'array' },
      },
      required: ['name', 'age'],
    })
  })

  it('gives back what the schema makes of an answer, as JSON', async () => {
    expect(await person.refine({ name: ' Ann ', age: 20, born: '2004-01-02' })).toEqual({
      ok: true,
      data: { name: 'Ann', age: 20, born: '2004-01-02T00:00:00.000Z', tags: [] },
    })
  })

  it('tells every error in a line with its path and what came', async () => {
    expect(await person.refine({ name: 7, age: 200 })).toEqual({
      ok: false,
      errors: [expect.stringMatching(/^\/name: .*expected string.*; got 7$/), '/age: nobody is that old; got 200'],
    })
  })

  it('tells only the branch of a union that came closest', async () => {
    const { refine } = createCodeExtractor({
      name: 'contact',
      schema: z.object({
        by: z.union([z.object({ email: z.string() }), z.object({ phone: z.object({ number: z.string() }) })]),
      }),
    })
    expect(await refine({ by: { phone: { number: 5 } } })).toEqual({
      ok: false,
      errors: [expect.stringMatching(/^\/by\/phone\/number: .*; got 5$/)],
    })
  })

  it('says whose transform made something that is not JSON', async () => {
    const { refine } = createCodeExtractor({
      name: 'amount',
      schema: z.object({ cents: z.string().transform((text) => BigInt(text)) }),
    })
    expect(await refine({ cents: '5' })).toEqual({
      ok: false,
      errors: ["/: what the transforms of the extractor 'amount' made cannot be written as JSON (TypeError)"],
    })
  })

  it.each([
    [z.object({ at: z.string().transform((at) => new Date(at).toISOString()) }), '/at', 'RangeError', '"yesterday"'],
    [z.object({ n: z.string().transform((n) => BigInt(n)) }), '/n', 'SyntaxError', '"a/b"'],
    [z.object({ url: z.string().refine((url) => new URL(url).protocol === 'https:') }), '/url', 'TypeError', '"none"'],
    [
      z.object({
        list: z
          .array(
            z.object({
              n: z
                .string()
                .transform((n) => BigInt(n))
                .optional(),
            }),
          )
          .nullable(),
      }),
      '/list/1/n',
      'SyntaxError',
      '"x"',
    ],
    [z.object({ n: z.string() }).transform(({ n }) => BigInt(n)), '/', 'SyntaxError', undefined],
  ])(
    'takes an answer on which its functions throw for one that is not valid, and says where',
    async (schema, at, name, got) => {
      const { refine } = createCodeExtractor({ name: 'x', schema })
      expect(await refine({ at: 'yesterday', n: 'a/b', url: 'none', list: [{ n: '1' }, { n: 'x' }] })).toEqual({
        ok: false,
        errors: [`${at}: a transform or a check threw ${name} on this value${got === undefined ? '' : `; got ${got}`}`],
      })
    },
  )

  it('refuses a root that is not an object', () => {
    expect(() => createCodeExtractor({ name: 'list', schema: z.array(z.string()) })).toThrow(
      "extractor 'list': the schema must be an object at the root",
    )
  })

  it('is found by name and schema, as they come back from a store', () => {
    const stored = JSON.parse(JSON.stringify(person.definition)) as typeof person.definition
    expect(refineFor([person], stored)).toBe(person.refine)
    expect(refineFor([person], { ...stored, name: null })).toBeUndefined()
    expect(refineFor([person], { ...stored, schema: { type: 'object' } })).toBeUndefined()
  })
})
