import { expect, test } from 'vitest'
import { processorSlowdown, threadMs } from '../../../test/support/processor-time.ts'
import { createRedactor } from './redact.ts'

const key = 'sk-live-"quoted"/and+long-0123'
const redactor = createRedactor([key, undefined, 'short', 'simulator', 'password-of-redis'], ['simulator'])

test.each([
  ['as it is', key],
  ['in JSON', JSON.stringify({ key })],
  ['in a URL', `https://host/?key=${encodeURIComponent(key)}`],
  ['in base64', Buffer.from(key).toString('base64')],
  ['in base64 for URLs', Buffer.from(key).toString('base64url')],
  ['in JSON within JSON', JSON.stringify(JSON.stringify(JSON.stringify(key)))],
  [
    'split by escapes of JSON',
    Array.from(key, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  ],
  ['split by one escape', key.replace('live', String.raw`l\u0069ve`)],
  ['percent-encoded whole', [...Buffer.from(key)].map((byte) => `%${byte.toString(16)}`).join('')],
  [
    'percent-encoded in upper case',
    [...Buffer.from(key)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join(''),
  ],
  ['in HTML', key.replaceAll('"', '&quot;').replace('+', '&#43;').replace('/', '&#x2F;')],
  ['as the password of a URL', `https://user:${encodeURIComponent(key)}@host/v1`],
])('a secret is removed %s', (_, text) => {
  const redacted = redactor.text(`before ${text} after`)
  expect(redacted).toContain('[redacted]')
  expect(redacted).toMatch(/^before .*after$/)
  expect(redacted).not.toContain('0123')
})

test.each(['', 'a', 'ab', 'user:', 'abcde:'])(
  'a secret is removed from the base64 of a text that begins with %j',
  (before) => {
    for (const after of ['', ':', '@host', 'xyz']) {
      const encoded = Buffer.from(`${before}${key}${after}`)
      for (const form of [encoded.toString('base64'), encoded.toString('base64url')]) {
        const shown = redactor.text(`Basic ${form}`)
        expect(shown).toContain('[redacted]')
        expect(shown.length).toBeLessThan(50)
      }
    }
  },
)

test('searching a long text takes milliseconds, whatever is in it', () => {
  const many = createRedactor(Array.from({ length: 5 }, (_, at) => `sk-secret-number-${at}-of-forty-characters-1`))
  const texts = [
    'My name is Ann. '.repeat(6_000),
    's'.repeat(100_000),
    '\\'.repeat(100_000),
    'sk-secret-number-'.repeat(6_000),
    '&#0'.repeat(30_000),
    '&#' + '0'.repeat(100_000),
  ]
  for (const text of texts) {
    const ms = threadMs(() => expect(many.text(text)).toBe(text))
    expect([text.slice(0, 20), ms < 300 * processorSlowdown()]).toEqual([text.slice(0, 20), true])
  }
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
