import { expect, test } from 'vitest'
import { columnsOf } from './columns.ts'

const closed = (properties: object) => ({ type: 'object', properties, additionalProperties: false })
const names = (schema: object) => columnsOf(schema).paths.map((path) => path.join('.'))

test('an object has a column for each value in it, in the order of the schema', () => {
  const address = closed({ city: { type: 'string' }, zip: { type: ['string', 'null'] } })
  const schema = closed({ name: { type: 'string' }, address, tags: { type: 'array', items: address }, any: {} })
  expect(columnsOf(schema)).toEqual({
    paths: [['name'], ['address', 'city'], ['address', 'zip'], ['tags'], ['any']],
    isOpen: false,
  })
})

test('references and branches give their columns, and a value that is no object is one column', () => {
  const schema = {
    $defs: { 'a/b': closed({ x: {} }) },
    type: 'object',
    properties: {
      one: { anyOf: [{ $ref: '#/$defs/a~1b' }, { type: 'null' }] },
      two: { oneOf: [closed({ y: {} }), closed({ z: {} })] },
    },
    additionalProperties: false,
  }
  expect(names(schema)).toEqual(['one.x', 'two.y', 'two.z'])
  expect(columnsOf({ type: 'string' }).paths).toEqual([[]])
  expect(columnsOf({ type: 'array', items: closed({ x: {} }) }).paths).toEqual([[]])
  expect(columnsOf(true).paths).toEqual([[]])
})

test('an object that may have other properties says so', () => {
  expect(columnsOf({ type: 'object', properties: { a: {} } }).isOpen).toBe(true)
  expect(columnsOf(closed({ a: { type: 'object', properties: { b: {} } } })).isOpen).toBe(true)
})

test('a schema that refers to itself, or is very wide, has a bounded number of columns', () => {
  const tree = { type: 'object', properties: { value: {}, left: { $ref: '#' }, right: { $ref: '#' } } }
  expect(names(tree).length).toBeLessThanOrEqual(500)
  const wide = closed(Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`p${i}`, {}])))
  expect(columnsOf({ ...closed({ wide }) }).paths).toEqual([['wide']])
  expect(columnsOf(wide).paths).toEqual([[]])
  const loop = { allOf: [{ $ref: '#' }, { $ref: '#' }] }
  expect(columnsOf(loop).paths).toEqual([[]])
})
