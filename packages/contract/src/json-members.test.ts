import { fc } from '../../../test/support/property.ts'
import { expect, test } from 'vitest'
import { findJsonMembers } from './json-members.ts'

function texts(json: string): Record<string, string> {
  return Object.fromEntries([...findJsonMembers(json)].map(([name, { start, end }]) => [name, json.slice(start, end)]))
}

test('each member of an object is found with its text unchanged', () => {
  const json = String.raw` { "a" : 12345678901234567890 ,"b\"c":{"x":"}\\"},"d":[1,"]",{"e":{}}] , "f":null,"g":"\\" }`
  expect(texts(json)).toEqual({
    a: '12345678901234567890',
    'b"c': String.raw`{"x":"}\\"}`,
    d: '[1,"]",{"e":{}}]',
    f: 'null',
    g: String.raw`"\\"`,
  })
  expect(texts('{}')).toEqual({})
  expect(texts('{"a":1,"a":2}')).toEqual({ a: '2' })
})

test('whatever the object, the text of each member is that of its value', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), (object, indent) => {
      const json = JSON.stringify(object, null, indent)
      const parsed = JSON.parse(json) as Record<string, unknown>
      const found = new Map(
        [...findJsonMembers(json)].map(([name, { start, end }]) => [name, JSON.parse(json.slice(start, end))]),
      )
      expect(found).toEqual(new Map(Object.entries(parsed)))
    }),
  )
})
