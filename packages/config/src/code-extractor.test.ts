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
      type: 'valid',
      data: { name: 'Ann', age: 20, born: '2004-01-02T00:00:00.000Z', tags: [] },
    })
  })

  it('gives every error one line with its path and the value received', async () => {
    expect(await person.refine({ name: 7, age: 200 })).toEqual({
      type: 'invalid',
      errors: [expect.stringMatching(/^\/name: .*expected string.*; got 7$/), '/age: nobody is that old; got 200'],
    })
  })

  it('reports only the branch of a union that came closest', async () => {
    const { refine } = createCodeExtractor({
      name: 'contact',
      schema: z.object({
        by: z.union([z.object({ email: z.string() }), z.object({ phone: z.object({ number: z.string() }) })]),
      }),
    })
    expect(await refine({ by: { phone: { number: 5 } } })).toEqual({
      type: 'invalid',
      errors: [expect.stringMatching(/^\/by\/phone\/number: .*; got 5$/)],
    })
  })

  it.each<[string, z.ZodType, string]>([
    ['bigint', z.object({ v: z.string().transform((text) => BigInt(text.length)) }), 'a bigint at /v'],
    ['Map', z.object({ v: z.string().transform((text) => new Map([[text, 1]])) }), 'a Map at /v'],
    ['Set', z.object({ v: z.string().transform((text) => [new Set([text])]) }), 'a Set at /v/0'],
    ['NaN', z.object({ v: z.string().transform(Number) }), 'NaN at /v'],
    ['function', z.object({ v: z.string().transform((text) => () => text) }), 'a function at /v'],
    [
      'Promise in a list',
      z.object({ v: z.string().transform((text) => [Promise.resolve(text)]) }),
      'a Promise at /v/0',
    ],
    ['undefined', z.object({ v: z.string() }).transform(() => undefined), 'undefined at /'],
    [
      'circle',
      z.object({ v: z.string() }).transform((own) => Object.assign(own, { own })),
      'a value that contains itself',
    ],
  ])('says where a transform returned what JSON cannot hold: %s', async (_, schema, what) => {
    const { refine } = createCodeExtractor({ name: 'x', schema })
    expect(await refine({ v: 'x' })).toEqual({
      type: 'author-error',
      message: expect.stringContaining(`The code of the extractor 'x' returned ${what}`) as string,
    })
  })

  const throwing: [z.ZodType, string, string][] = [
    [z.object({ at: z.string().transform((at) => new Date(at).toISOString()) }), '/at', 'RangeError'],
    [z.object({ n: z.string().transform((n) => BigInt(n)) }), '/n', 'SyntaxError'],
    [z.object({ url: z.string().refine((url) => new URL(url).protocol === 'https:') }), '/url', 'TypeError'],
    [
      z.object({ list: z.array(z.object({ n: z.string().transform(BigInt).optional() })).nullable() }),
      '/list/1/n',
      'SyntaxError',
    ],
    [z.object({ pair: z.tuple([z.string(), z.string().transform(BigInt)]) }), '/pair/1', 'SyntaxError'],
    [z.object({ map: z.record(z.string(), z.string().transform(BigInt)) }), '/map/b', 'SyntaxError'],
    [z.object({ n: z.string() }).transform(({ n }) => BigInt(n)), '/', 'SyntaxError'],
  ]
  it.each(throwing)('takes an error of its own code for its own, and says where', async (schema, at, name) => {
    const { refine } = createCodeExtractor({ name: 'x', schema })
    const answer = {
      at: 'yesterday',
      n: 'a/b',
      url: 'none',
      list: [{ n: '1' }, { n: 'x' }],
      pair: ['a', 'b'],
      map: { a: '1', b: 'x' },
    }
    const checked = await refine(answer)
    expect(checked).toEqual({
      type: 'author-error',
      message: expect.stringContaining(`The code of the extractor 'x' threw ${name} at ${at}`) as string,
    })
    expect(JSON.stringify(checked)).not.toMatch(/yesterday|a\/b/)
  })

  it('names the line of its code that threw', async () => {
    const { refine } = createCodeExtractor({
      name: 'x',
      schema: z.object({ url: z.string().transform((url) => new URL(url).host) }),
    })
    expect(await refine({ url: 'none' })).toMatchObject({
      message: expect.stringMatching(/threw TypeError at \/url \(code-extractor\.test\.ts:\d+:\d+\)\.$/) as string,
    })
  })

  it('is found by name and schema, as they come back from a store', () => {
    const stored = JSON.parse(JSON.stringify(person.definition)) as typeof person.definition
    expect(refineFor([person], stored)).toBe(person.refine)
    expect(refineFor([person], { ...stored, name: null })).toBeUndefined()
    expect(refineFor([person], { ...stored, schema: { type: 'object' } })).toBeUndefined()
  })
})
