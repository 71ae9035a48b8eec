import { expect, test } from 'vitest'
import { pieces } from './stream.ts'

test('a large text is written in parts, and a character of two units stays whole', () => {
  // Each part would end within a character.
  const text = `a${'😀'.repeat(200_000)}`
  const parts = [...pieces(text)]
  expect(parts.length).toBeGreaterThan(5)
  expect(Buffer.concat(parts.map((part) => Buffer.from(part as string))).toString()).toBe(text)
})

test('a small text, or bytes, are written as they are', () => {
  const bytes = Buffer.alloc(1_000_000)
  expect([...pieces('short')]).toEqual(['short'])
  expect([...pieces('')]).toEqual([''])
  expect([...pieces(bytes)]).toEqual([bytes])
})
