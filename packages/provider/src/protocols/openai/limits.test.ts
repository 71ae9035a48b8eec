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
    ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
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
  const read = (headers: Record<string, string>) =>
    readLimits(new Headers(headers), now)?.map(({ name, unit, limit, remaining, resetMs, periodMs }) => [
      name,
      unit,
      limit,
      remaining,
      resetMs,
      periodMs,
    ]) ?? null

  it.each<[string, Record<string, string>, (string | number | null)[][]]>([
    [
      'OpenAI',
      {
        'x-ratelimit-limit-requests': '10000',
        'x-ratelimit-remaining-requests': '9999',
        'x-ratelimit-reset-requests': '8ms',
        'x-ratelimit-limit-tokens': '200000',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '1m0s',
      },
      [
        ['requests', 'requests', 10_000, 9_999, 8, null],
        ['tokens', 'tokens', 200_000, 0, 60_000, null],
      ],
    ],
    [
      'Azure and GitHub Models, with the period',
      {
        'x-ratelimit-limit-tokens': '4000',
        'x-ratelimit-remaining-tokens': '3900',
        'x-ratelimit-renewalperiod-tokens': '60',
        'x-ratelimit-reset-tokens': '1',
      },
      [['tokens', 'tokens', 4_000, 3_900, 1_000, 60_000]],
    ],
    [
      'Azure, what remains alone',
      { 'x-ratelimit-remaining-requests': '79', 'x-ratelimit-remaining-tokens': '61353' },
      [
        ['requests', 'requests', null, 79, null, null],
        ['tokens', 'tokens', null, 61_353, null, null],
      ],
    ],
    [
      'Mistral',
      {
        'x-ratelimit-limit-tokens-minute': '5000000',
        'x-ratelimit-remaining-tokens-minute': '4999911',
        'x-ratelimit-tokens-query-cost': '52',
        'x-ratelimit-limit-req-minute': '720',
        'x-ratelimit-remaining-req-minute': '717',
      },
      [
        ['req-minute', 'requests', 720, 717, null, 60_000],
        ['tokens-minute', 'tokens', 5_000_000, 4_999_911, null, 60_000],
      ],
    ],
    [
      'Cerebras',
      {
        'x-ratelimit-limit-requests-day': '14400',
        'x-ratelimit-remaining-requests-day': '14399',
        'x-ratelimit-reset-requests-day': '33011.5',
      },
      [['requests-day', 'requests', 14_400, 14_399, 33_011_500, 86_400_000]],
    ],
    [
      'Together',
      {
        'x-ratelimit-limit': '10',
        'x-ratelimit-remaining': '9',
        'x-ratelimit-reset': '0.1',
        'x-tokenlimit-limit': '3000',
        'x-tokenlimit-remaining': '2990',
      },
      [
        ['requests', 'requests', 10, 9, 100, null],
        ['tokens', 'tokens', 3_000, 2_990, null, null],
      ],
    ],
    [
      'Anthropic',
      {
        'anthropic-ratelimit-requests-limit': '1000',
        'anthropic-ratelimit-requests-remaining': '994',
        'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:20Z',
        'anthropic-ratelimit-output-tokens-limit': '90000',
        'anthropic-ratelimit-output-tokens-remaining': '0',
        'anthropic-ratelimit-output-tokens-reset': '2026-01-01T00:01:00Z',
      },
      [
        ['output-tokens', 'tokens', 90_000, 0, 60_000, null],
        ['requests', 'requests', 1_000, 994, 20_000, null],
      ],
    ],
    [
      'the IETF draft 06',
      { 'ratelimit-limit': '100', 'ratelimit-remaining': '50', 'ratelimit-reset': '30' },
      [['requests', 'requests', 100, 50, 30_000, null]],
    ],
    [
      'the IETF draft 08',
      { ratelimit: '"default";r=50;t=30', 'ratelimit-policy': '"default";q=100;w=60' },
      [['policy default', 'requests', 100, 50, 30_000, 60_000]],
    ],
    [
      'the IETF draft 07',
      { ratelimit: 'limit=100, remaining=50, reset=5', 'ratelimit-policy': '100;w=10' },
      [['policy ', 'requests', 100, 50, 5_000, null]],
    ],
    [
      'two policies, one of tokens',
      {
        ratelimit: '"req";r=5;t=1, "tokens";r=900;t=2',
        'ratelimit-policy': '"req";q=10;w=1, "tokens";q=1000;w=60',
      },
      [
        ['policy req', 'requests', 10, 5, 1_000, 1_000],
        ['policy tokens', 'tokens', 1_000, 900, 2_000, 60_000],
      ],
    ],
    [
      'limits of an hour beside those of a minute',
      { 'x-ratelimit-limit-requests': '800', 'x-ratelimit-limit-requests-1h': '33600' },
      [
        ['requests', 'requests', 800, null, null, null],
        ['requests-1h', 'requests', 33_600, null, null, 3_600_000],
      ],
    ],
  ])('are read as %s writes them', (_, headers, limits) => {
    expect(read(headers)).toEqual(limits)
  })

  it('resets by the clock of the provider, when that differs from ours', () => {
    const headers = {
      date: 'Thu, 01 Jan 2026 01:00:00 GMT',
      'anthropic-ratelimit-requests-remaining': '1',
      'anthropic-ratelimit-requests-reset': '2026-01-01T01:00:20Z',
    }
    expect(readLimits(new Headers(headers), now)?.[0]).toMatchObject({ resetMs: 20_000, resetStepMs: 1_000 })
  })

  it('are no more than eight, however many headers there are', () => {
    const headers = new Headers()
    for (let i = 0; i < 30; i += 1) headers.set(`x-ratelimit-remaining-requests-${i}`, '5')
    expect(readLimits(headers, now)).toHaveLength(8)
  })

  it.each([
    ['none', {}],
    ['-1, as some send', { 'x-ratelimit-limit-requests': '-1', 'x-ratelimit-remaining-requests': '-1' }],
    ['-1 and 0', { 'x-ratelimit-limit-tokens': '-1', 'x-ratelimit-remaining-tokens': '0' }],
    ['0, as some send', { 'x-ratelimit-limit-requests': '0', 'x-ratelimit-limit-tokens': '0' }],
    ['words', { 'x-ratelimit-limit-requests': 'unlimited' }],
    ['a reset alone', { 'x-ratelimit-reset-requests': '5s' }],
    ['nonsense in the fields', { ratelimit: ';;,=,"', 'ratelimit-policy': ';q' }],
  ])('say nothing when there is %s', (_, headers: Record<string, string>) => {
    expect(readLimits(new Headers(headers), now)).toBeNull()
  })
})
