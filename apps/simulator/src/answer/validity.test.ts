import { fc } from '../../../../test/support/property.ts'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createAnswerer } from './answerer.ts'

const names = fc.constantFrom(
  'name', 'age', 'email', 'start_date', 'total_price', 'isUrgent', 'items', 'city', 'summary', 'status', 'order_id', 'tags', 'x',
) // prettier-ignore
const bounds = fc.record({ minimum: fc.integer({ min: -5, max: 5 }), maximum: fc.integer({ min: 5, max: 50 }) })
const lengths = fc.record({ minLength: fc.integer({ min: 0, max: 4 }), maxLength: fc.integer({ min: 4, max: 40 }) })
const patterns = fc.constantFrom(
  '^[A-Z]{2}-\\d{3}$',
  '^\\d{5}(-\\d{4})?$',
  '^(yes|no)$',
  '^#[0-9a-f]{6}$',
  '^[a-z][a-z0-9_]+$',
)

const schemas = fc.letrec<{ any: object }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    lengths.map((more) => ({ type: 'string', ...more })),
    patterns.map((pattern) => ({ type: 'string', pattern })),
    fc.constantFrom('date', 'date-time', 'email', 'uuid', 'ipv4').map((format) => ({ type: 'string', format })),
    fc.tuple(fc.constantFrom('number', 'integer'), bounds).map(([type, more]) => ({ type, ...more })),
    fc.integer({ min: 1, max: 9 }).map((exclusiveMinimum) => ({ type: 'integer', exclusiveMinimum })),
    fc.constant({ type: 'boolean' }),
    fc.constantFrom({ type: ['string', 'null'] }, { type: ['integer', 'null'] }),
    fc.constantFrom({ enum: ['low', 'high'] }, { const: 'fixed' }, { enum: [1, 2, 3] }),
    fc
      .tuple(tie('any'), fc.integer({ min: 0, max: 3 }))
      .map(([items, minItems]) => ({ type: 'array', items, minItems, maxItems: 5 })),
    fc.tuple(tie('any'), tie('any')).map((anyOf) => ({ anyOf })),
    objectOf(tie('any')),
  ),
}))

function objectOf(inner: fc.Arbitrary<object>) {
  return fc.dictionary(names, inner, { minKeys: 1, maxKeys: 5 }).chain((properties) =>
    fc.subarray(Object.keys(properties)).map((required) => ({
      type: 'object',
      properties,
      required,
      additionalProperties: false,
    })),
  )
}

const texts = fc.oneof(
  fc.constantFrom(
    '',
    'My name is John and I am 20 years old',
    'Order A-48377: charged twice, $129.90 each time, on 3 May 2024! Regards, Peter Lindqvist, peter@example.com',
    '- 3 apples at 1.20 euros\n- 2 pears at 0.80 euros\n\nUrgent.',
  ),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
)

/** Answered once with `undefined` in the list: the text mentions an item, and no value fits it. */
const listOfChoices = {
  type: 'object',
  properties: {
    items: {
      type: 'array',
      items: { anyOf: [{ type: 'string', minLength: 4, maxLength: 4 }, { type: ['integer', 'null'] }] },
    },
  },
  required: [],
  additionalProperties: false,
}

test('whatever the schema and the text, the answer is valid', () => {
  const { answer } = createAnswerer()
  fc.assert(
    fc.property(objectOf(schemas.any), texts, (schema, text) => {
      const value = answer(schema, text)
      const parsed = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(value)
      expect({ value, issues: parsed.error?.issues }).toEqual({ value, issues: undefined })
    }),
    { numRuns: 400, examples: [[listOfChoices, 'Charged twice, $129.90 each time, on 3 May 2024!']] },
  )
}, 60_000)
