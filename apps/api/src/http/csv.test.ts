import type { Result } from '@sluice/contract/result'
import { parse } from 'csv-parse/sync'
import { fc } from '../../../../test/support/property.ts'
import { expect, test } from 'vitest'
import { createCsv } from './csv.ts'

const schema = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    total: { type: 'number' },
    buyer: { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: false },
    lines: { type: 'array' },
  },
  additionalProperties: false,
}
const result = (more: Partial<Result>): Result => ({
  index: 0,
  id: 'a',
  status: 'succeeded',
  attempts: 1,
  cursor: 'i0',
  ...more,
})

test('a result is one row, with a column for each value of the schema', () => {
  const csv = createCsv({ schema, isRequest: false, metadata: ['page'], formulas: 'escape' })
  expect(csv.header).toBe(
    'index,id,status,data.id,total,buyer.name,lines,error_type,error_message,attempts,cost_usd,metadata.page\r\n',
  )
  const data = { id: 'x,1', total: -2.5, buyer: { name: 'Ann "A"' }, lines: [{ a: 1 }] }
  expect(csv.row(result({ data, metadata: { page: 3 }, cost_usd: 0.001 }))).toBe(
    '0,a,succeeded,"x,1",-2.5,"Ann ""A""","[{""a"":1}]",,,1,0.001,3\r\n',
  )
  expect(csv.row(result({ status: 'failed', error: { type: 'refused', message: 'no\nreason' } }))).toBe(
    '0,a,failed,,,,,refused,"no\nreason",1,,\r\n',
  )
})

test('the response to a raw request is one column, as the provider sent it', () => {
  const csv = createCsv({ schema: null, isRequest: true, metadata: ['page'], formulas: 'escape' })
  expect(csv.header).toBe(
    'index,id,status,status_code,request_id,response,error_type,error_message,attempts,cost_usd,metadata.page\r\n',
  )
  const response = { status_code: 200, request_id: 'req_1', body: '{"n":12345678901234567890,"s":"a, b"}' }
  expect(csv.row(result({ response, metadata: { page: 3 } }))).toBe(
    '0,a,succeeded,200,req_1,"{""n"":12345678901234567890,""s"":""a, b""}",,,1,,3\r\n',
  )
  const error = { type: 'unavailable', message: 'No answer.' } as const
  expect(csv.row(result({ status: 'failed', error }))).toBe('0,a,failed,,,,unavailable,No answer.,1,,\r\n')
})

test('what the schema does not name is in one column', () => {
  const open = { type: 'object', properties: { a: { type: 'object', properties: { b: {} } } } }
  const csv = createCsv({ schema: open, isRequest: false, metadata: [], formulas: 'escape' })
  expect(csv.header).toContain('a.b,data.more,')
  expect(csv.row(result({ data: { a: { b: 1, c: 2 }, d: 3 } }))).toContain(',1,"{""a"":{""c"":2},""d"":3}",')
})

test('a text that a spreadsheet would run begins with an apostrophe, unless it is to be kept; a number stays', () => {
  const escaped = createCsv({ schema: { type: 'string' }, isRequest: false, metadata: [], formulas: 'escape' })
  const kept = createCsv({ schema: { type: 'string' }, isRequest: false, metadata: [], formulas: 'keep' })
  for (const text of ['=1+1', '+49 170', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1']) {
    const [, row] = parse(escaped.header + escaped.row(result({ data: text })), {
      record_delimiter: '\r\n',
    })
    expect(row?.[3]).toBe(`'${text}`)
    const [, plain] = parse(kept.header + kept.row(result({ data: text })), { record_delimiter: '\r\n' })
    expect(plain?.[3]).toBe(text)
  }
  expect(escaped.row(result({ data: -1 }))).toContain(',-1,')
  expect(escaped.row(result({ id: '=cmd', data: 'x' }))).toMatch(/^0,'=cmd,/)
})

test('any text comes back from a CSV reader as it was', () => {
  const csv = createCsv({ schema: { type: 'string' }, isRequest: false, metadata: ['k'], formulas: 'keep' })
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, other) => {
      const rows = parse(csv.header + csv.row(result({ data: text, metadata: { k: other } })), {
        record_delimiter: '\r\n',
      })
      expect(rows[1]?.[3]).toBe(text)
      expect(rows[1]?.at(-1)).toBe(other)
    }),
  )
})
