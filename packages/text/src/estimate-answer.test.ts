import { expect, test } from 'vitest'
import { estimateAnswerTokens } from './estimate-answer.ts'

test('grows with the fields of the schema, also through references', () => {
  const person = { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer' } } }
  const one = estimateAnswerTokens(person)
  expect(one).toBeGreaterThan(10)
  expect(one).toBeLessThan(40)
  const several = {
    type: 'object',
    properties: { people: { type: 'array', items: { $ref: '#/$defs/person' } } },
    $defs: { person },
  }
  expect(estimateAnswerTokens(several)).toBeGreaterThan(2.5 * one)
})

test('ends for a recursive schema', () => {
  const tree = { type: 'object', properties: { name: { type: 'string' }, child: { $ref: '#' } } }
  expect(estimateAnswerTokens(tree)).toBeLessThan(1_000)
})
