import { describe, expect, it } from 'vitest'
import { compileSchema } from './validator.ts'

const invoice = {
  type: 'object',
  properties: {
    number: { type: 'string' },
    lines: { type: 'array', items: { $ref: '#/$defs/line' } },
    paid: { anyOf: [{ $ref: '#/$defs/cash' }, { $ref: '#/$defs/card' }, { type: 'null' }] },
  },
  required: ['number'],
  additionalProperties: false,
  $defs: {
    line: { type: 'object', properties: { kind: { enum: ['good', 'service', 'discount'] } }, required: ['kind'] },
    cash: {
      type: 'object',
      properties: { by: { const: 'cash' }, amount: { type: 'number' } },
      required: ['by', 'amount'],
    },
    card: {
      type: 'object',
      properties: { by: { const: 'card' }, last4: { type: 'string', pattern: '^[0-9]{4}$' } },
      required: ['by', 'last4'],
    },
  },
}

function errorsOf(schema: object, value: unknown): readonly string[] {
  const validation = compileSchema(schema as Record<string, unknown>).validate(value)
  return validation.valid ? [] : validation.errors
}

describe('validation', () => {
  it('accepts what the schema says', () => {
    expect(errorsOf(invoice, { number: '7', lines: [{ kind: 'good' }], paid: { by: 'card', last4: '1234' } })).toEqual(
      [],
    )
  })

  it('reports the path, what is allowed and what it got, in one line per error', () => {
    expect(errorsOf(invoice, { lines: [{ kind: 'good' }, { kind: 'goods' }, {}], extra: 1 })).toEqual([
      '/: must have the property "number"',
      '/: must not have the property "extra"',
      '/lines/1/kind: must be one of ["good","service","discount"]; got "goods"',
      '/lines/2: must have the property "kind"',
    ])
  })

  it('reports only the branch of a union that came closest', () => {
    expect(errorsOf(invoice, { number: '7', paid: { by: 'card', last4: '12' } })).toEqual([
      '/paid/last4: must match pattern "^[0-9]{4}$"; got "12"',
    ])
  })

  it('reports at most 20 lines', () => {
    expect(errorsOf(invoice, { number: '7', lines: Array.from({ length: 100 }, () => ({})) })).toHaveLength(20)
  })

  it('is not met by what every object inherits', () => {
    expect(errorsOf({ type: 'object', required: ['constructor'] }, {})).toEqual([
      '/: must have the property "constructor"',
    ])
  })

  it('runs a pattern that would stall a backtracking engine in linear time', () => {
    const schema = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } }
    expect(errorsOf(schema, { a: `${'a'.repeat(50_000)}!` })).toHaveLength(1)
  })

  it('looks at each pair of schema and value once, whichever way leads there', () => {
    const branch = { properties: { a: { $ref: '#' } } }
    const schema = { type: 'object', allOf: [branch, structuredClone(branch)] }
    let value: object = { a: 1 }
    for (let i = 0; i < 40; i += 1) value = { a: value }
    expect(errorsOf(schema, value)).toEqual([`${'/a'.repeat(41)}: must be object; got 1`])
  })

  it('gives up on a check that takes too many steps', () => {
    const schema = { type: 'object', properties: { a: { items: { type: 'string', pattern: '(a?){500}b' } } } }
    expect(errorsOf(schema, { a: ['a'.repeat(100_000)] })).toEqual(['/: takes too long to check; answer with less'])
  })

  it('keeps no state between checks', () => {
    const validator = compileSchema(invoice)
    expect(validator.validate({}).valid).toBe(false)
    expect(validator.validate({ number: '7' }).valid).toBe(true)
  })
})
