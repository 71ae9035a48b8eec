import { expect, test } from 'vitest'
import { outputLine, reasoningTokens } from './output-lines.ts'

const result = { index: 3, id: 'my "id"', status: 'succeeded', attempts: 1 } as const

test('a response is in its line byte for byte', () => {
  const body = '{ "big": 12345678901234567890, "text": "a\\nb" }'
  const line = outputLine(
    'batch_1',
    { ...result, response: { status_code: 200, request_id: 'r', body } },
    'batch_cancelled',
  )
  expect(line).toContain(`"body":${body}`)
  expect(line.indexOf('\n')).toBe(line.length - 1)
  expect(JSON.parse(line)).toMatchObject({
    id: expect.stringMatching(/^batch_req_/) as string,
    custom_id: 'my "id"',
    response: { status_code: 200, request_id: 'r', body: { text: 'a\nb' } },
    error: null,
  })
})

test('a request without a response has an error instead, and one that did not run says why', () => {
  const failed = { ...result, status: 'failed', error: { type: 'timed_out', message: 'late' } } as const
  expect(JSON.parse(outputLine('batch_1', failed, 'batch_cancelled'))).toMatchObject({
    response: null,
    error: { code: 'timed_out', message: 'late' },
  })
  const cancelled = { ...result, status: 'cancelled', error: { type: 'cancelled', message: '' } } as const
  expect(JSON.parse(outputLine('batch_1', cancelled, 'batch_cancelled')).error.code).toBe('batch_cancelled')
  expect(JSON.parse(outputLine('batch_1', cancelled, 'batch_expired')).error.code).toBe('batch_expired')
})

test('tokens of reasoning are those of the usage, not of a text that speaks of them', () => {
  const body = JSON.stringify({
    text: '"reasoning_tokens": 5',
    usage: { output_tokens_details: { reasoning_tokens: 17 } },
  })
  expect(reasoningTokens({ response: { status_code: 200, request_id: '', body } })).toBe(17)
  expect(reasoningTokens({})).toBe(0)
})
