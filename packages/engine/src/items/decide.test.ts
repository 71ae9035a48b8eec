import { type Call, type Outcome, paid } from '@sluice/contract/outcome'
import { describe, expect, test } from 'vitest'
import { backoffMs, decide } from './decide.ts'
import { noTries, type Tries } from '../ledger/run.ts'

const policy = { unavailable: 3, baseMs: 100, capMs: 1_000, reasks: 2 }
const half = () => 0.5

function callOf(outcome: Outcome): Call {
  return {
    outcome,
    usage: { input_tokens: 7, output_tokens: 3 },
    cachedInputTokens: 0,
    raw: 'raw',
    limits: null,
    latencyMs: 1,
  }
}
const unavailable = {
  type: 'unavailable',
  message: 'HTTP 503',
  retryAfterMs: null,
  timedOut: false,
  answered: true,
} as const
const used: Tries = {
  calls: 1,
  unavailable: 1,
  usage: { input_tokens: 1, output_tokens: 1 },
  nanoUsd: 0,
  reasks: [{ raw: 'r', errors: ['/a: x'] }],
}

describe('decide', () => {
  const table: [string, Outcome, Tries, object][] = [
    ['an answer', { type: 'extracted', data: 1 }, noTries, { type: 'succeed', data: 1 }],
    [
      'a refusal',
      { type: 'refused', message: 'no' },
      noTries,
      { type: 'fail', error: { type: 'refused', message: 'no' } },
    ],
    [
      'a cut-off answer',
      { type: 'truncated', message: 'long' },
      noTries,
      { type: 'fail', error: { type: 'truncated' } },
    ],
    ['a filtered answer', { type: 'filtered', message: 'f' }, noTries, { type: 'fail', error: { type: 'filtered' } }],
    [
      'a request the provider never takes',
      { type: 'rejected', message: 'bad', status: 400 },
      noTries,
      { type: 'fail', error: { type: 'rejected' } },
    ],
    [
      'a request that never fits',
      { type: 'too-large', message: 'big' },
      noTries,
      { type: 'fail', error: { type: 'too_large' } },
    ],
    [
      'invalid output',
      { type: 'invalid-output', errors: ['/a: y'] },
      noTries,
      { type: 'ask-again', tries: { calls: 1, reasks: [{ raw: 'raw', errors: ['/a: y'] }] } },
    ],
    [
      'other errors than the last',
      { type: 'invalid-output', errors: ['/a: y'] },
      used,
      { type: 'ask-again', tries: { calls: 2, reasks: [{}, {}] } },
    ],
    [
      'the same errors twice',
      { type: 'invalid-output', errors: ['/a: x'] },
      used,
      { type: 'fail', error: { type: 'invalid_output', message: '/a: x' } },
    ],
    [
      'invalid output once too often',
      { type: 'invalid-output', errors: ['/a: z'] },
      { ...used, reasks: [...used.reasks, { raw: '', errors: [] }] },
      { type: 'fail' },
    ],
    [
      'the limit',
      { type: 'rate-limited', message: 'w', retryAfterMs: 5, scope: null },
      used,
      { type: 'wait', tries: used },
    ],
    [
      'a failure of the provider',
      unavailable,
      noTries,
      { type: 'retry', delayMs: 50, tries: { calls: 1, unavailable: 1 } },
    ],
    ['a second one', unavailable, used, { type: 'retry', delayMs: 100, tries: { unavailable: 2 } }],
    ['one that says when', { ...unavailable, retryAfterMs: 777 }, noTries, { type: 'retry', delayMs: 777 }],
    ['one that asks for years', { ...unavailable, retryAfterMs: 1.8e12 }, noTries, { type: 'retry', delayMs: 1_000 }],
    ['the last one', unavailable, { ...used, unavailable: 2 }, { type: 'fail', error: { type: 'unavailable' } }],
    [
      'the last one, timed out',
      { ...unavailable, timedOut: true },
      { ...used, unavailable: 2 },
      { type: 'fail', error: { type: 'timed_out' } },
    ],
    [
      'no funds',
      { type: 'out-of-funds', message: 'm' },
      used,
      { type: 'pause-lane', reason: 'out_of_funds: m', tries: used },
    ],
    [
      'a bad key',
      { type: 'bad-credentials', message: 'm' },
      used,
      { type: 'pause-lane', reason: 'bad_credentials: m' },
    ],
    [
      'an unknown model',
      { type: 'unknown-model', message: 'm' },
      used,
      { type: 'pause-lane', reason: 'unknown_model: m' },
    ],
    ['a wrong URL', { type: 'wrong-url', message: 'm' }, used, { type: 'pause-lane', reason: 'wrong_url: m' }],
  ]
  test.each(table)('%s', (_, outcome, tries, expected) => {
    expect(decide(callOf(outcome), tries, policy, half)).toMatchObject(expected)
  })

  test('adds up the usage of every call', () => {
    expect(decide(callOf(unavailable), used, policy, half)).toMatchObject({
      tries: { usage: { input_tokens: 8, output_tokens: 4 } },
    })
  })
})

test('the back-off doubles up to its cap and is spread over its whole length', () => {
  const upper = [1, 2, 3, 4, 5, 60].map((attempt) => backoffMs(attempt, policy, () => 1))
  expect(upper).toEqual([100, 200, 400, 800, 1_000, 1_000])
  expect(backoffMs(5, policy, () => 0)).toBe(0)
})

test('a call is paid when it was answered, not paid when it was rejected, and unknown when it was cut off', () => {
  expect(paid(callOf({ type: 'refused', message: '' }))).toBe('yes')
  expect(paid(callOf({ type: 'filtered', message: '' }))).toBe('yes')
  expect(paid({ ...callOf({ type: 'filtered', message: '' }), usage: noTries.usage })).toBe('no')
  expect(paid(callOf(unavailable))).toBe('no')
  expect(paid(callOf({ ...unavailable, answered: false }))).toBe('unknown')
  expect(paid(callOf({ type: 'rate-limited', message: '', retryAfterMs: null, scope: null }))).toBe('no')
})
