import { describe, expect, it } from 'vitest'
import { parseAnswer } from './parse-answer.ts'

describe('the JSON of an answer', () => {
  it.each([
    ['plain', '{"a":1}'],
    ['with a byte-order mark and space', '\uFEFF  {"a":1}\n'],
    ['in a code fence', '```json\n{"a":1}\n```'],
    ['after prose', 'Here it is: {"a":1}'],
    ['the last of two objects', 'First {"b":2}, corrected {"a":1} as asked.'],
  ])('%s', (_, text) => {
    expect(parseAnswer(text)).toEqual({ ok: true, value: { a: 1 } })
  })

  it('is not looked for inside of strings', () => {
    expect(parseAnswer('See {"a":"} {\\"b\\":1}"}')).toEqual({ ok: true, value: { a: '} {"b":1}' } })
  })

  it.each([
    ['cut off: brackets are never closed', '{"a":[1,2', /not valid JSON/],
    ['cut off in a code fence', '```json\n{"a":1', /not valid JSON/],
    ['empty', '   ', /empty/],
    ['an integer that would be rounded', '{"id":12345678901234567890}', /12345678901234567890 is too large/],
  ])('is refused: %s', (_, text, error) => {
    expect(parseAnswer(text)).toEqual({ ok: false, error: expect.stringMatching(error) as string })
  })
})
