import { describe, expect, it } from 'vitest'
import { parseReset, readLimits } from './limits.ts'

const now = Date.parse('2026-01-01T00:00:00Z')

describe('the reset of a limit', () => {
  it.each([
    ['12ms', 12],
    ['1s', 1_000],
    ['6m0s', 360_000],
    ['1h2m3.5s', 3_723_500],
    ['250us', 0.25],
    ['0s', 0],
    ['20.5', 20_500],
    ['2026-01-01T00:00:30Z', 30_000],
    ['2025-12-31T23:59:00Z', 0],
    ['1767225630', 30_000],
    ['1767225630500', 30_500],
    ['1767225000', 0],
    ['soon', null],
    ['5 minutes', null],
    ['', null],
    [null, null],
  ])('%s', (text, ms) => {
    expect(parseReset(text, now)).toBe(ms)
  })
})

describe('the limits in the headers', () => {
  it('are read as they are', () => {
    const headers = new Headers({
      'x-ratelimit-limit-requests': '10000',
      'x-ratelimit-remaining-requests': '9999',
      'x-ratelimit-reset-requests': '8ms',
      'x-ratelimit-limit-tokens': '200000',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-reset-tokens': '1m0s',
    })
    expect(readLimits(headers, now)).toEqual({
      limitRequests: 10_000,
      remainingRequests: 9_999,
      resetRequestsMs: 8,
      limitTokens: 200_000,
      remainingTokens: 0,
      resetTokensMs: 60_000,
    })
  })

  it.each([
    ['none', {}],
    ['-1, as some send', { 'x-ratelimit-limit-requests': '-1', 'x-ratelimit-remaining-requests': '-1' }],
    ['0, as some send', { 'x-ratelimit-limit-requests': '0', 'x-ratelimit-limit-tokens': '0' }],
    ['words', { 'x-ratelimit-limit-requests': 'unlimited' }],
  ])('say nothing when there is %s', (_, headers: Record<string, string>) => {
    expect(readLimits(new Headers(headers), now)).toBeNull()
  })
})
