import { describe, expect, it } from 'vitest'
import { dropAddedNulls } from './null-drop.ts'
import { toStrictSchema } from './strict.ts'
import { compileSchema } from './validator.ts'

const object = (properties: Record<string, unknown>, required: string[] = []) => ({
  type: 'object',
  properties,
  required,
})

describe('the strict form', () => {
  it('closes objects, requires every property and makes the optional ones nullable', () => {
    const schema = object(
      {
        name: { type: 'string' },
        age: { type: 'integer' },
        mood: { enum: ['good', 'bad'] },
        note: { type: ['string', 'null'] },
      },
      ['name'],
    )
    expect(toStrictSchema(schema)).toEqual({
      strict: true,
      schema: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          age: { type: ['integer', 'null'] },
          mood: { anyOf: [{ enum: ['good', 'bad'], type: 'string' }, { type: 'null' }] },
          note: { type: ['string', 'null'] },
        },
        required: ['name', 'age', 'mood', 'note'],
        additionalProperties: false,
      },
    })
  })

  it('follows definitions, also recursive ones, and tells in the description what it cannot say', () => {
    const schema = {
      ...object({ tree: { $ref: '#/definitions/node' } }, ['tree']),
      definitions: {
        node: object(
          {
            name: { type: 'string', minLength: 1, description: 'Its name' },
            children: { type: 'array', items: { $ref: '#/definitions/node' } },
          },
          ['name'],
        ),
      },
    }
    expect(toStrictSchema(schema)).toMatchObject({
      strict: true,
      schema: {
        properties: { tree: { $ref: '#/$defs/node' } },
        $defs: {
          node: {
            properties: {
              name: { description: 'Its name (minLength: 1)' },
              children: { type: ['array', 'null'], items: { $ref: '#/$defs/node' } },
            },
          },
        },
      },
    })
  })

  it.each([
    ['a record', object({ a: { type: 'object', additionalProperties: { type: 'string' } } })],
    ['a tuple', object({ a: { type: 'array', prefixItems: [{ type: 'string' }] } })],
    ['any value', object({ a: {} })],
    ['an object without properties', object({ a: { type: 'object' } })],
    ['a list of anything', object({ a: { type: 'array' } })],
    ['further properties', { ...object({ a: { type: 'string' } }), additionalProperties: true }],
    ['two schemas at once', object({ a: { allOf: [{ type: 'object' }, object({ b: { type: 'string' } })] } })],
  ])('leaves %s as the author wrote it, with the reason', (_, schema) => {
    expect(toStrictSchema(schema)).toMatchObject({
      strict: false,
      schema,
      reason: expect.stringMatching(/^#/) as string,
    })
  })
})

describe('the nulls that strict mode adds', () => {
  const person = object(
    {
      name: { type: 'string' },
      age: { type: 'integer' },
      note: { type: ['string', 'null'] },
      home: { $ref: '#/$defs/home' },
    },
    ['name'],
  )
  const schema = {
    ...person,
    properties: {
      ...person.properties,
      tags: { type: 'array', items: { type: ['string', 'null'] } },
      pet: {
        anyOf: [
          object({ kind: { const: 'cat' }, lives: { type: 'integer' } }, ['kind']),
          object({ kind: { const: 'dog' }, breed: { type: 'string' } }, ['kind']),
        ],
      },
    },
    $defs: { home: object({ city: { type: 'string' } }) },
  }

  it('are dropped where the property is optional and does not accept null, and nowhere else', () => {
    const answer = {
      name: null,
      age: null,
      note: null,
      home: { city: null },
      tags: [null, 'a'],
      pet: { kind: 'dog', breed: null },
    }
    expect(dropAddedNulls(schema, answer)).toEqual({
      name: null,
      note: null,
      home: {},
      tags: [null, 'a'],
      pet: { kind: 'dog' },
    })
  })

  it('leave an answer that is valid by the schema as its author wrote it', () => {
    const dropped = dropAddedNulls(schema, { name: 'Ada', age: null, note: null, home: null, tags: null, pet: null })
    expect(dropped).toEqual({ name: 'Ada', note: null })
    expect(compileSchema(schema).validate(dropped)).toEqual({ valid: true })
  })

  it('give the same value back where there is nothing to drop', () => {
    const answer = { name: 'Ada', tags: ['a'] }
    expect(dropAddedNulls(schema, answer)).toBe(answer)
  })
})
