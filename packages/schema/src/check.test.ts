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
  ])('%s', (_, schema) => {
    expect(checkSchema(schema)).toBeNull()
  })
})

describe('a schema that is refused, by the pointer of what is wrong', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['no object', 'person', '', /must be a JSON Schema object/],
    ['a list at the root', { type: 'array', items: {} }, '/type', /must be 'object' at the root/],
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
    ['a reference to itself', { type: 'object', allOf: [{ $ref: '#' }] }, '', /leads back to itself/],
    ['an asynchronous schema', { type: 'object', $async: true }, '/$async', /remove/],
    ['a dynamic reference', object({ a: { $dynamicRef: '#a' } }), '/properties/a/$dynamicRef', /use \$ref/],
    ['an id inside', object({ a: { $id: 'https://example.com' } }), '/properties/a/$id', /only the root/],
    [
      '__proto__',
      JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}'),
      '/properties/__proto__',
      /__proto__/,
    ],
    ['a pattern with look-ahead', object({ a: { type: 'string', pattern: '(?=a)b' } }), '/properties/a/pattern', /RE2/],
    [
      'a key pattern with a back-reference',
      object({}, { patternProperties: { '(a)\\1': {} } }),
      '/patternProperties/(a)\\1',
      /RE2/,
    ],
    ['another draft', { type: 'object', $schema: 'http://json-schema.org/draft-04/schema#' }, '/$schema', /2020-12/],
    ['doubling by allOf', doubled(40), '', /combines too many/],
    ['a hundred thousand levels', nested(100_000), '/properties/a/properties/a/properties/a/properties', /64 levels/],
    ['too much text', object({ a: { description: 'x'.repeat(70_000) } }), '', /at most 65536/],
    [
      'too many enum values',
      object({ a: { enum: Array.from({ length: 2_001 }, (_, i) => i) } }),
      '/properties/a/enum',
      /2000 values/,
    ],
  ])('%s', (_, schema, pointer, message) => {
    const issue = checkSchema(schema)
    expect(issue).toMatchObject({ pointer, message: expect.stringMatching(message) as string })
  })
})
