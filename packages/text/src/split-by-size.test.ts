import { expect, test } from 'vitest'
import { splitBySize } from './split-by-size.ts'

const sentence = (i: number) => `Sentence ${i} describes the harbour, its ${i} ships and those who sail in them.`
const text = Array.from({ length: 40 }, (_, p) =>
  Array.from({ length: 5 }, (_, s) => sentence(5 * p + s)).join(' '),
).join('\n\n')

test('a text is split into the requested number of parts, about equal in size, at the ends of paragraphs, and nothing is lost', () => {
  const parts = splitBySize(text, { type: 'count', parts: 6 })
  expect(parts).toHaveLength(6)
  expect(parts.map((part) => part.text).join('')).toBe(text)
  const tokens = parts.map((part) => part.tokens)
  const even = tokens.reduce((sum, one) => sum + one, 0) / 6
  for (const one of tokens) expect(Math.abs(one - even) / even).toBeLessThan(0.35)
  for (const part of parts) expect(part.text.trim()).toMatch(/them\.$/)
})

test('a text is split into parts of a size', () => {
  const parts = splitBySize(text, { type: 'tokens', mostTokens: 300 })
  expect(parts.length).toBeGreaterThan(10)
  for (const { tokens } of parts) expect(tokens).toBeLessThanOrEqual(300)
})

test('a text with fewer sentences than requested parts still has no more parts than requested', () => {
  const parts = splitBySize('One is here. Two is there.', { type: 'count', parts: 9 })
  expect(parts.length).toBeLessThanOrEqual(9)
  expect(parts.map((part) => part.text).join('')).toBe('One is here. Two is there.')
})
