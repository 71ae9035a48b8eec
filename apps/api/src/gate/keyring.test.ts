import { timingSafeEqual } from 'node:crypto'
import { beforeEach, expect, test, vi } from 'vitest'
import { createKeyring } from './keyring.ts'

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>()
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) }
})
beforeEach(() => {
  vi.mocked(timingSafeEqual).mockClear()
})

const keys = ['the-first-key-of-this-server', 'the-second-key-of-this-server', 'k3']
const keyring = createKeyring(keys, { sessionMs: 60_000 })
const compared = () => vi.mocked(timingSafeEqual).mock.calls.map(([a, b]) => [a.byteLength, b.byteLength])

test.each([
  ['the first key', keys[0]!, 'key-0'],
  ['the last key', keys[2]!, 'key-2'],
  ['a key that differs at its end', `${keys[0]!.slice(0, -1)}X`, undefined],
  ['the beginning of a key', keys[0]!.slice(0, 5), undefined],
  ['an empty key', '', undefined],
  ['a key of 100,000 characters', 'x'.repeat(100_000), undefined],
  ['a key of other characters', 'ключ\u0000🔑', undefined],
])('%s is compared with every key as a digest of 32 bytes, in constant time', (_, key, id) => {
  expect(keyring.find(key)?.id).toBe(id)
  expect(compared()).toEqual(keys.map(() => [32, 32]))
})

test('the signature of a session is compared in the same way, whatever its length', () => {
  const session = keyring.issue(keys[1]!)
  vi.mocked(timingSafeEqual).mockClear()
  expect(keyring.verify(session)?.id).toBe('key-1')
  expect(compared()).toEqual(keys.map(() => [32, 32]))
  for (const forged of [session.slice(0, -1), `${session}x`, session.replace(/[^.]*$/, '')]) {
    vi.mocked(timingSafeEqual).mockClear()
    expect(keyring.verify(forged)).toBeUndefined()
    expect(compared()).toEqual(keys.map(() => [32, 32]))
  }
})
