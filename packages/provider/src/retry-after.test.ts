import { describe, expect, it } from 'vitest'
import { readRetryAfter } from './retry-after.ts'

const now = Date.parse('2026-01-01T00:00:00Z')

describe('how long a response asks to wait', () => {
  it.each<[Record<string, string>, number | null]>([
    [{ 'retry-after-ms': '350', 'retry-after': '1' }, 350],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:10 GMT' }, 10_000],
    [{ 'retry-after': '1767225607' }, 7_000],
    [{ 'retry-after': '1767225607250' }, 7_250],
    [{ 'retry-after-ms': '1767225607250' }, 7_250],
    [{ 'retry-after': '1767225000' }, 0],
    [{ 'x-rate-limit-reset-tokens': '55' }, 55_000],
    [{ 'retry-after': '-3' }, null],
    [{ 'retry-after': 'later' }, null],
    [{}, null],
  ])('%o', (headers, ms) => {
    expect(readRetryAfter(new Headers(headers), now)).toBe(ms)
  })
})
