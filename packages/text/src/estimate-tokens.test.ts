import type { Extractor } from '@sluice/contract/extractor'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { expect, test } from 'vitest'
import { createEstimateTokens } from './estimate-tokens.ts'

const extractor: Extractor = {
  object: 'extractor',
  name: null,
  version: 0,
  schema: { type: 'object', properties: { name: { type: 'string' } } },
  instructions: 'Who is it?',
  lane: 'default',
  parameters: { max_tokens: 99 },
  reasks: 2,
  created_at: 0,
}
const estimate = createEstimateTokens()

test('a request is counted with its instructions, its schema and its text', () => {
  const parts = [extractor.instructions, JSON.stringify(extractor.schema), 'Ada is 36'].map((part) => countTokens(part))
  expect(estimate({ extractor, text: 'Ada is 36', reasks: [] })).toEqual({
    input: parts.reduce((sum, part) => sum + part, 12),
    mostOutput: 99,
  })
})

test('answers that a re-ask repeats are counted', () => {
  const reasks = [{ raw: '{"name":1}', errors: ['/name: must be string; got 1'] }]
  const once = estimate({ extractor, text: 'Ada', reasks: [] }).input
  expect(estimate({ extractor, text: 'Ada', reasks }).input).toBeGreaterThan(once + 15)
})

test('a long text is counted by samples, to within a twentieth', () => {
  const words = ['The parcel', 'arrived late', 'on Tuesday', 'and the box', 'was open,', 'as my neighbour saw.']
  const text = Array.from({ length: 20_000 }, (_, i) => words[(i * 7 + Math.floor(i / 5)) % words.length]).join(' ')
  const estimated = estimate({ extractor, text, reasks: [] }).input
  expect(estimated / countTokens(text)).toBeGreaterThan(0.95)
  expect(estimated / countTokens(text)).toBeLessThan(1.05)
})
