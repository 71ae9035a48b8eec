import { fc } from '../../../test/support/property.ts'
import { describe, expect, test } from 'vitest'
import { mergeAnswers } from './merge-answers.ts'

const person = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: ['integer', 'null'] } },
}
const schema = {
  type: 'object',
  properties: {
    title: { type: 'string' },
    author: { anyOf: [{ $ref: '#/$defs/person' }, { type: 'null' }] },
    people: { type: 'array', items: { $ref: '#/$defs/person' } },
    place: {
      anyOf: [
        { type: 'object', properties: { city: { type: 'string' } } },
        { type: 'object', properties: { river: { type: 'string' } } },
      ],
    },
    span: { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'integer' }] },
    'a/b': { type: 'object', additionalProperties: { type: 'integer' } },
  },
  $defs: { person },
}

describe('answers to the parts of a text', () => {
  test('become one: objects field by field, lists joined, of all other values the first that is not empty', () => {
    const { data, sources } = mergeAnswers(schema, [
      { title: '', author: { name: 'Ann', age: null }, people: [{ name: 'Bob', age: 1 }] },
      {
        title: 'T',
        author: null,
        people: [
          { age: 1, name: 'Bob' },
          { name: 'Cleo', age: 2 },
        ],
        'a/b': { x: 1 },
      },
      { title: 'U', author: { name: 'Anna', age: 31 }, people: [], 'a/b': { x: 2, y: 3 } },
    ])
    expect(data).toEqual({
      title: 'T',
      author: { name: 'Ann', age: 31 },
      people: [
        { name: 'Bob', age: 1 },
        { name: 'Cleo', age: 2 },
      ],
      'a/b': { x: 1, y: 3 },
    })
    expect(sources).toEqual({
      '/title': 1,
      '/author/name': 0,
      '/author/age': 2,
      '/people/0': 0,
      '/people/1': 1,
      '/a~1b/x': 1,
      '/a~1b/y': 2,
    })
  })

  test('keep a value that may be of several forms in one piece', () => {
    const { data } = mergeAnswers(schema, [
      { place: { city: 'Ulm' }, span: [1, 2] },
      { place: { river: 'Donau' }, span: [3, 4] },
    ])
    expect(data).toEqual({ place: { city: 'Ulm' }, span: [1, 2] })
  })

  test('keep an element that one part contains twice', () => {
    const bob = { name: 'Bob', age: 1 }
    expect(mergeAnswers(schema, [{ people: [bob, bob] }, { people: [bob] }]).data).toEqual({ people: [bob, bob] })
  })

  test('that are empty become an empty answer', () => {
    const nothing = { title: '', author: null, people: [] }
    expect(mergeAnswers(schema, [nothing, nothing])).toEqual({ data: nothing, sources: {} })
  })

  test('take no field for more than a name', () => {
    const answer = JSON.parse('{"__proto__": {"x": 1}, "constructor": "a"}') as unknown
    const { data } = mergeAnswers({ type: 'object' }, [answer, answer])
    expect(JSON.stringify(data)).toBe(JSON.stringify(answer))
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  const told = fc.record(
    {
      title: fc.string(),
      author: fc.option(fc.record({ name: fc.string(), age: fc.option(fc.nat()) })),
      people: fc.uniqueArray(fc.record({ name: fc.string(), age: fc.nat(3) }), {
        selector: (one) => JSON.stringify(one),
      }),
      'a/b': fc.dictionary(fc.string(), fc.nat()),
    },
    { requiredKeys: [] },
  )
  /** The value that a pointer names; undefined where there is none. */
  const at = (value: unknown, pointer: string) =>
    pointer
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<any>(
        (inner, key) =>
          typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? inner[key] : undefined,
        value,
      )

  test('that are all the same become that one', () => {
    fc.assert(
      fc.property(told, fc.integer({ min: 1, max: 4 }), (answer, count) => {
        expect(
          mergeAnswers(
            schema,
            Array.from({ length: count }, () => answer),
          ).data,
        ).toEqual(answer)
      }),
    )
  })

  test('lose no element of a list, and each value is in the part that is named as its source, and in none before', () => {
    fc.assert(
      fc.property(fc.array(told, { minLength: 1, maxLength: 5 }), (answers) => {
        const { data, sources } = mergeAnswers(schema, answers)
        const merged = (data as { people?: unknown[] }).people ?? []
        for (const { people = [] } of answers) for (const one of people) expect(merged).toContainEqual(one)
        expect(new Set(merged.map((one) => JSON.stringify(one))).size).toBe(merged.length)
        for (const [pointer, part] of Object.entries(sources)) {
          const value: unknown = at(data, pointer)
          if (pointer.startsWith('/people/')) {
            const knows = answers.map(({ people = [] }) =>
              people.some((one) => JSON.stringify(one) === JSON.stringify(value)),
            )
            expect(knows.indexOf(true)).toBe(part)
          } else {
            expect(at(answers[part], pointer)).toEqual(value)
            for (const earlier of answers.slice(0, part)) expect(at(earlier, pointer) ?? '').toBe('')
          }
        }
      }),
    )
  })
})
