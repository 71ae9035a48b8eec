import { expect, test } from 'vitest'
import { describeSchema } from './describe-schema.ts'
import { createExtractorDraft, schemaIssueOf } from './extractor-draft.ts'
import { emptyField, type Field, fieldsOf, schemaOf } from './fields.ts'
import { findPlace } from './find-place.ts'
import { suggestFields } from './suggest-schema.ts'
import { RequestError } from '../http.ts'

const fields: readonly Field[] = [
  { ...emptyField, name: 'name', description: 'Who writes.' },
  { ...emptyField, name: 'age', type: 'integer', always: false },
  { ...emptyField, name: 'paid', type: 'boolean' },
  { ...emptyField, name: 'due', type: 'date', always: false },
  { ...emptyField, name: 'urgency', type: 'choice', choices: ['low', 'high'], always: false },
  { ...emptyField, name: 'tags', type: 'texts' },
  { ...emptyField, name: 'amount', type: 'number' },
]

test('fields become a schema and come back from it unchanged', () => {
  expect(fieldsOf(JSON.parse(JSON.stringify(schemaOf(fields))))).toEqual(fields)
})

test('a field named __proto__ stays a field, and nothing is polluted', () => {
  const schema = schemaOf([{ ...emptyField, name: '__proto__' }])
  expect(JSON.stringify(schema)).toContain('"__proto__":{"type":"string"}')
  expect(fieldsOf(JSON.parse(JSON.stringify(schema)))?.[0]?.name).toBe('__proto__')
  expect(({} as Record<string, unknown>)['type']).toBeUndefined()
})

test.each([
  { type: 'object', properties: { a: { type: 'object' } }, required: ['a'], additionalProperties: false },
  { type: 'object', properties: { a: { type: 'string', minLength: 2 } }, required: ['a'], additionalProperties: false },
  { type: 'object', properties: { a: { type: 'string' } }, required: [], additionalProperties: false },
  { type: 'array', items: { type: 'string' } },
  true,
])('a schema that says more than fields can show is left as it is: %j', (schema) => expect(fieldsOf(schema)).toBeNull())

test('a schema is suggested from rows that a person wrote', () => {
  const columns = ['customer', 'items', 'amount', 'urgent', 'due', 'kind', 'tags', 'zip', '']
  const rows = [
    ['Ann Lee', '3', '19.90', 'yes', '2026-01-31', 'refund', 'a; b', '01234', ''],
    ['', '12', '5', 'no', '', 'defect', 'c', '80331', ''],
    ['Bo Berg', '1', '7.5', 'no', '2026-02-01', 'refund', '', '10115', ''],
    ['', '', '', '', '', '', '', '', ''],
  ]
  const suggested = suggestFields(columns, rows)
  expect(Object.fromEntries(suggested.map(({ name, type, always }) => [name, `${type}${always ? '' : '?'}`]))).toEqual({
    customer: 'text?',
    items: 'integer',
    amount: 'number',
    urgent: 'boolean',
    due: 'date?',
    kind: 'choice',
    tags: 'texts?',
    zip: 'text',
  })
  expect(suggested.find(({ name }) => name === 'kind')?.choices).toEqual(['refund', 'defect'])
})

test('a mistake in a schema is shown at its line', async () => {
  const text =
    '{\n  "type": "object",\n  "properties": {\n    "a": { "type": "strin" },\n    "b/c": { "enum": [1, 2] }\n  }\n}'
  const at = async (pointer: string) => (await findPlace(text, { message: 'wrong', pointer }))?.line
  expect(await at('/properties/a/type')).toBe(4)
  expect(await at('/properties/b~1c/enum/1')).toBe(5)
  expect(await at('/properties/b%2Fc')).toBe(5)
  expect(await at('')).toBe(1)
  expect(await findPlace(text, null)).toBeNull()
  expect((await findPlace('{\n "a": 1,\n}', null))?.line).toBe(3)
})

test('what the server says about a schema is told from what it says about anything else', () => {
  const error = (param: string | null) => new RequestError(400, { code: 'x', message: 'm', param })
  expect(schemaIssueOf(error('extractor.schema#/properties/a'))).toEqual({ message: 'm', pointer: '/properties/a' })
  expect(schemaIssueOf(error('schema#'))).toEqual({ message: 'm', pointer: '' })
  expect(schemaIssueOf(error('items[3].text'))).toBeNull()
  expect(schemaIssueOf(new Error('m'))).toBeNull()
})

test('fields without a name stay in the table while they are typed, and are not in the schema', () => {
  const draft = createExtractorDraft()
  draft.setFields([{ ...emptyField, name: 'a' }, emptyField])
  expect(draft.fields.value).toHaveLength(2)
  expect(draft.schema.value?.['required']).toEqual(['a'])
  draft.schemaText.value = '{ "type": "array" }'
  expect(draft.fields.value).toBeNull()
})

test('a schema is read aloud field by field, bounded', () => {
  const schema = {
    type: 'object',
    required: ['a'],
    properties: {
      a: { type: 'array', items: { type: 'object', properties: { b: { enum: ['x', null] } } } },
      c: { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }], description: 'When.' },
    },
  }
  expect(describeSchema(schema).rows).toEqual([
    { path: 'a', kind: 'list of objects', description: '', required: true },
    { path: 'a[].b', kind: 'one of x, null', description: '', required: false },
    { path: 'c', kind: 'date or nothing', description: 'When.', required: false },
  ])
  const many = {
    properties: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`f${i}`, { type: 'string' }])),
  }
  expect(describeSchema(many)).toMatchObject({ more: true, rows: { length: 200 } })
})
