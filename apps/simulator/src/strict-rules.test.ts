import { expect, test } from 'vitest'
import { whyNotStrict } from './strict-rules.ts'

const closed = (properties: object, more: object = {}) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
})

test('a closed object whose properties are all required is allowed', () => {
  const inner = closed({ city: { type: ['string', 'null'] }, at: { type: 'string', format: 'date' } })
  expect(
    whyNotStrict(closed({ inner, list: { type: 'array', items: { $ref: '#/$defs/x' } } }, { $defs: { x: inner } })),
  ).toBe(null)
})

test.each([
  ['no object', { type: 'array', items: {} }, /type: "array"/],
  ['a union at the root', closed({}, { anyOf: [] }), /root/],
  ['an open object', { type: 'object', properties: {}, required: [] }, /additionalProperties/],
  ['an optional property', closed({ a: { type: 'string' } }, { required: [] }), /Missing 'a'/],
  ['a keyword that is not supported', closed({ a: { oneOf: [] } }), /'oneOf' is not permitted/],
  ['an open object further in', closed({ a: { type: 'array', items: { type: 'object' } } }), /properties\.a\.items/],
  ['a format that is not known', closed({ a: { type: 'string', format: 'uri' } }), /format 'uri'/],
])('%s is not', (_, schema, why) => {
  expect(whyNotStrict(schema)).toMatch(why)
})

test('more than ten levels are not', () => {
  let schema: object = { type: 'string' }
  for (let level = 0; level < 11; level += 1) schema = closed({ inner: schema })
  expect(whyNotStrict(schema)).toMatch(/levels/)
})
