import { expect, test } from 'vitest'
import { createRedactor } from './redact.ts'

const key = 'sk-live-"quoted"/and+long-0123'
const redactor = createRedactor([key, undefined, 'short', 'simulator', 'password-of-redis'], ['simulator'])

test.each([
  ['as it is', key],
  ['in JSON', JSON.stringify({ key })],
  ['in a URL', `https://host/?key=${encodeURIComponent(key)}`],
  ['in base64', Buffer.from(key).toString('base64')],
  ['in base64 for URLs', Buffer.from(key).toString('base64url')],
])('a secret is removed %s', (_, text) => {
  const redacted = redactor.text(`before ${text} after`)
  expect(redacted).toContain('[redacted]')
  expect(redacted).toMatch(/^before .*after$/)
  expect(redacted).not.toContain('0123')
})

test('a secret is removed from all texts and names of a value', () => {
  expect(redactor.value({ a: [`x ${key}`], [key]: { b: 'password-of-redis' }, n: 3, none: null })).toEqual({
    a: ['x [redacted]'],
    '[redacted]': { b: '[redacted]' },
    n: 3,
    none: null,
  })
})

test('what holds no secret comes back as it is: short words and public names are none', () => {
  const value = { model: 'simulator', text: 'in short' }
  expect(redactor.value(value)).toBe(value)
  let deep: unknown = 'end'
  for (let level = 0; level < 50_000; level += 1) deep = [deep]
  expect(redactor.value(deep)).toBe(deep)
})
