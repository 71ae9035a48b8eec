import { expect, test } from 'vitest'
import { chunkText } from './chunk-text.ts'

const sentence = (i: number) => `Sentence ${i} tells of the harbour, of its ${i} ships and of those who sail in them.`
const text = Array.from({ length: 40 }, (_, p) =>
  Array.from({ length: 5 }, (_, s) => sentence(5 * p + s)).join(' '),
).join('\n\n')

test('a text is split into as many parts as asked for, about even, at the ends of paragraphs, and none of it is lost', () => {
  const parts = chunkText(text, { type: 'count', chunks: 6 })
  expect(parts).toHaveLength(6)
  expect(parts.map((part) => part.text).join('')).toBe(text)
  const tokens = parts.map((part) => part.tokens)
  const even = tokens.reduce((sum, one) => sum + one, 0) / 6
  for (const one of tokens) expect(Math.abs(one - even) / even).toBeLessThan(0.35)
  for (const part of parts) expect(part.text.trim()).toMatch(/them\.$/)
})

test('a text is split into parts of a size', () => {
  const parts = chunkText(text, { type: 'tokens', mostTokens: 300 })
  expect(parts.length).toBeGreaterThan(10)
  for (const { tokens } of parts) expect(tokens).toBeLessThanOrEqual(300)
})

test('more parts than there are sentences are no more than asked for', () => {
  const parts = chunkText('One is here. Two is there.', { type: 'count', chunks: 9 })
  expect(parts.length).toBeLessThanOrEqual(9)
  expect(parts.map((part) => part.text).join('')).toBe('One is here. Two is there.')
})
