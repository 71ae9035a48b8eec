import { describe, expect, it } from 'vitest'
import { classifyAnswer, type Refusal } from './classify.ts'

function refusal(status: number, more: Partial<Refusal> = {}): Refusal {
  return { status, headers: new Headers(), code: '', kind: '', message: 'no', ...more }
}

describe('the outcome of a refusal', () => {
  // Each row: what the provider sends, what it means.
  it.each<[string, Refusal, object]>([
    [
      'rate limit, requests',
      refusal(429, { kind: 'requests', code: 'rate_limit_exceeded' }),
      { type: 'rate-limited', scope: 'requests', retryAfterMs: null },
    ],
    [
      'rate limit, tokens',
      refusal(429, { kind: 'tokens', headers: new Headers({ 'retry-after-ms': '120' }) }),
      { type: 'rate-limited', scope: 'tokens', retryAfterMs: 120 },
    ],
    [
      'rate limit of another server',
      refusal(429, { headers: new Headers({ 'retry-after': '2' }) }),
      { type: 'rate-limited', scope: null, retryAfterMs: 2_000 },
    ],
    [
      'more tokens than the limit will ever allow',
      refusal(429, {
        kind: 'tokens',
        message: 'Request too large for gpt-4.1 on tokens per min (TPM): Limit 30000, Requested 40000.',
      }),
      { type: 'too-large' },
    ],
    [
      'out of funds',
      refusal(429, { code: 'insufficient_quota', kind: 'insufficient_quota' }),
      { type: 'out-of-funds' },
    ],
    ['billing limit', refusal(400, { code: 'billing_hard_limit_reached' }), { type: 'out-of-funds' }],
    ['payment required', refusal(402), { type: 'out-of-funds' }],
    ['longer than the context', refusal(400, { code: 'context_length_exceeded' }), { type: 'too-large' }],
    [
      "longer than vLLM's context",
      refusal(400, { message: "This model's maximum context length is 4096 tokens." }),
      { type: 'too-large' },
    ],
    ['body too large', refusal(413), { type: 'too-large' }],
    ['wrong key', refusal(401, { code: 'invalid_api_key' }), { type: 'bad-credentials' }],
    ['not allowed', refusal(403), { type: 'bad-credentials' }],
    ['no such model', refusal(404, { code: 'model_not_found' }), { type: 'unknown-model' }],
    [
      'no such model, told in words',
      refusal(404, { message: 'model "qwen" not found, try pulling it first' }),
      { type: 'unknown-model' },
    ],
    [
      'no such path',
      refusal(404, { message: 'Not Found' }),
      { type: 'rejected', status: 404, message: 'Not Found Is the base URL right, with its /v1?' },
    ],
    ['request time-out', refusal(408), { type: 'unavailable', timedOut: true, answered: true }],
    ['conflict', refusal(409), { type: 'unavailable', timedOut: false }],
    [
      'bad request',
      refusal(400, { message: "Invalid schema for response_format 'x'" }),
      { type: 'rejected', status: 400 },
    ],
    ['unprocessable', refusal(422), { type: 'rejected', status: 422 }],
    ['server error', refusal(500), { type: 'unavailable', answered: true, message: 'HTTP 500: no' }],
    [
      'unavailable, with the time to wait',
      refusal(503, { headers: new Headers({ 'retry-after': '7' }) }),
      { type: 'unavailable', retryAfterMs: 7_000 },
    ],
    ['overloaded', refusal(529), { type: 'unavailable' }],
  ])('%s', (_, given, outcome) => {
    expect(classifyAnswer(given)).toMatchObject(outcome)
  })
})
