import { describe, expect, it } from 'vitest'
import { checkSchema } from './check.ts'

const object = (properties: Record<string, unknown>, rest: Record<string, unknown> = {}) => ({
  type: 'object',
  properties,
  ...rest,
})
/** `levels` definitions, each of which refers to the next one twice: 2^levels checks of one value. */
function doubled(levels: number): object {
  const definitions = Array.from({ length: levels }, (_, i) => [
    `d${i}`,
    { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
  ])
  return {
    type: 'object',
    allOf: [{ $ref: '#/$defs/d0' }],
    $defs: { ...Object.fromEntries(definitions), [`d${levels}`]: {} },
  }
}
/** `length` schemas that apply to one value. */
function chained(length: number): object {
  const definitions = Array.from({ length }, (_, i) => [`d${i}`, { allOf: [{ $ref: `#/$defs/d${i + 1}` }] }])
  return { $ref: '#/$defs/d0', $defs: { ...Object.fromEntries(definitions), [`d${length}`]: {} } }
}
function nested(levels: number): object {
  let schema: object = { type: 'object' }
  for (let i = 0; i < levels; i += 1) schema = object({ a: schema })
  return schema
}

describe('a schema that an extractor may have', () => {
  it.each([
    [
      'ordinary',
      object({ name: { type: 'string', minLength: 1 }, age: { type: ['integer', 'null'] } }, { required: ['name'] }),
    ],
    ['recursive through a property', object({ children: { type: 'array', items: { $ref: '#' } } })],
    ['with definitions', object({ a: { $ref: '#/$defs/a~1b' } }, { $defs: { 'a/b': { type: 'string' } } })],
    [
      'of draft-07, named',
      object({ a: { type: 'string' } }, { $schema: 'http://json-schema.org/draft-07/schema#', definitions: {} }),
    ],
    [
      'with an id at the root',
      object({ a: { $ref: '#/$defs/b' } }, { $id: 'https://example.com/a', $defs: { b: true } }),
    ],
    [
      "zod's email: a pattern with look-ahead beside a format that says the same",
      object({ mail: { type: 'string', format: 'email', pattern: '^(?!\\.)[a-z]+@b$' } }),
    ],
    ['named like what objects inherit', object({ constructor: { type: 'string' } }, { required: ['constructor'] })],
    ['a list at the root', { type: 'array', items: {} }],
    ['with an anchor', object({ a: { $ref: '#name' } }, { $defs: { b: { $anchor: 'name', type: 'string' } } })],
    [
      'with an id inside',
      object({ a: { $ref: '/b' } }, { $defs: { b: { $id: 'https://schema.invalid/b', type: 'string' } } }),
    ],
    ['with a pattern that has look-ahead', object({ a: { type: 'string', pattern: '(?=a)b' } })],
    ['doubling by allOf: each pair of schema and value is looked at once', doubled(40)],
  ])('%s', (_, schema) => {
    expect(checkSchema(schema)).toMatchObject({ ok: true, warnings: [] })
  })
})

describe('a schema that is refused, by the pointer of what is wrong', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['no object', 'person', '', /must be a JSON Schema object/],
    ['an unknown type', object({ a: { type: 'strin' } }), '/properties/a/type', /must be one of .*"string"/],
    ['a keyword of the wrong type', object({ a: { minimum: '3' } }), '/properties/a/minimum', /must be number/],
    ['required that is no list', { type: 'object', required: 'a' }, '/required', /must be array/],
    [
      'a remote reference',
      object({ a: { $ref: 'https://example.com/a' } }),
      '/properties/a/$ref',
      /not inside this schema/,
    ],
    ['a reference to nothing', object({ a: { $ref: '#/$defs/a' } }), '/properties/a/$ref', /no schema at/],
    [
      'a reference through what is inherited',
      object({ a: { $ref: '#/constructor' } }),
      '/properties/a/$ref',
      /no schema at/,
    ],
    ['a reference to itself', { type: 'object', allOf: [{ $ref: '#' }] }, '/allOf/0', /leads back to itself/],
    ['an asynchronous schema', { type: 'object', $async: true }, '/$async', /remove/],
    [
      'a dynamic reference to nothing',
      object({ a: { $dynamicRef: '#a' } }),
      '/properties/a/$dynamicRef',
      /no schema at/,
    ],
    [
      'a dynamic reference with two targets',
      object(
        { a: { $dynamicRef: 'b#x' } },
        { $defs: { b: { $id: 'b', $dynamicAnchor: 'x' }, c: { $id: 'c', $dynamicAnchor: 'x' } } },
      ),
      '/properties/a/$dynamicRef',
      /several possible targets/,
    ],
    [
      '__proto__',
      JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}'),
      '/properties/__proto__',
      /__proto__/,
    ],
    [
      'a key pattern with a back-reference',
      object({}, { patternProperties: { '(a)\\1': {} } }),
      '/patternProperties/(a)\\1',
      /back-references/,
    ],
    ['a dialect that is not known', { type: 'object', $schema: 'https://example.com/schema' }, '/$schema', /2020-12/],
    ['a hundred thousand levels', nested(100_000), '/properties/a/properties/a/properties/a/properties', /100 levels/],
    ['too much text', object({ a: { description: 'x'.repeat(600_000) } }), '', /at most 524288/],
    ['a chain of references', chained(1_350), '', /more than 200 schemas/],
  ])('%s', (_, schema, pointer, message) => {
    expect(checkSchema(schema)).toMatchObject({
      ok: false,
      pointer,
      message: expect.stringMatching(message) as string,
    })
  })
})
