import { describe, expect, it } from 'vitest'
import { classifyAnswer } from './classify.ts'
import { readRefusal, type Refusal } from './refusal.ts'

function refusal(status: number, more: Partial<Refusal> = {}): Refusal {
  return { status, headers: new Headers(), code: '', kind: '', message: 'no', flagged: false, ...more }
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
      'no such model, reported in words',
      refusal(404, { message: 'model "qwen" not found, try pulling it first' }),
      { type: 'unknown-model' },
    ],
    [
      'no such path',
      refusal(404, { message: 'Not Found' }),
      { type: 'wrong-url', message: 'HTTP 404: Not Found Is the base URL right, with its /v1?' },
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

/** What servers were seen to send, as it comes. */
describe('the outcome of a body', () => {
  it.each<[string, number, unknown, object]>([
    [
      'OpenRouter: a rate limit in a 200',
      200,
      { error: { code: 429, message: 'Rate limit exceeded' } },
      { type: 'rate-limited', message: 'Rate limit exceeded' },
    ],
    [
      'OpenRouter: no credits, in a 200',
      200,
      { error: { code: 402, message: 'Insufficient credits' } },
      { type: 'out-of-funds' },
    ],
    [
      'a failure in a 200',
      200,
      { error: { code: '503', message: 'busy' } },
      { type: 'unavailable', answered: true, message: 'HTTP 503: busy' },
    ],
    [
      'an error in a 200 that tells its kind',
      200,
      { error: { type: 'invalid_request_error', message: 'bad' } },
      { type: 'rejected', status: 400 },
    ],
    [
      'an error in a 200 that tells nothing',
      200,
      { error: 'oops' },
      { type: 'unavailable', message: 'HTTP 502: oops' },
    ],
    [
      'a page of a proxy',
      200,
      '<html>maintenance</html>',
      { type: 'unavailable', answered: false, message: expect.stringContaining('an HTML page') },
    ],
    ['half an answer', 200, '{"choices":[{"mess', { type: 'unavailable', answered: false }],
    ['nothing', 200, '', { type: 'unavailable', message: 'HTTP 200: The answer is empty.' }],
    ['no content', 204, '', { type: 'unavailable' }],
    ['null', 200, null, { type: 'unavailable' }],
    ['another JSON', 200, { status: 'ok' }, { type: 'unavailable' }],
    [
      'OpenRouter: one text was refused by moderation',
      403,
      { error: { code: 403, message: 'no', metadata: { reasons: ['violence'], flagged_input: 'a secret' } } },
      { type: 'filtered', message: 'no' },
    ],
    [
      'the same in words',
      403,
      { error: { message: 'Your chosen model requires moderation and your input was flagged' } },
      { type: 'filtered' },
    ],
    [
      'an account that was flagged',
      403,
      { error: { message: 'Your account has been flagged for review.' } },
      { type: 'bad-credentials' },
    ],
    [
      'Azure: a text that was filtered',
      400,
      { error: { code: 'content_filter', message: "The response was filtered due to Azure's policy." } },
      { type: 'filtered' },
    ],
    [
      'Azure: the same by its inner error',
      400,
      { error: { code: '400', message: 'no', innererror: { code: 'ResponsibleAIPolicyViolation' } } },
      { type: 'filtered' },
    ],
    ['a wrong base URL', 404, { detail: 'Not Found' }, { type: 'wrong-url' }],
    ['a wrong base URL, reported by a page', 404, '<!DOCTYPE html><h1>models</h1>', { type: 'wrong-url' }],
    ['a path that takes no POST', 405, '', { type: 'wrong-url' }],
    ['a redirection', 302, '', { type: 'wrong-url', message: expect.stringContaining('HTTP 302') }],
    [
      'vLLM: no such model',
      404,
      { object: 'error', message: 'The model `m` does not exist.' },
      { type: 'unknown-model' },
    ],
    ['Ollama: no such model', 404, { error: 'model "m" not found, try pulling it first' }, { type: 'unknown-model' }],
    [
      'vLLM: longer than its context',
      400,
      { object: 'error', message: "This model's maximum context length is 4096 tokens.", code: 400 },
      { type: 'too-large' },
    ],
    ['Gemini: an error in an array', 429, [{ error: { code: 429, message: 'slow' } }], { type: 'rate-limited' }],
    ['a message that is no text', 400, { message: [{ msg: 'x' }] }, { type: 'rejected' }],
    [
      'a page of a gateway',
      502,
      '<html>bad</html>',
      { type: 'unavailable', message: 'HTTP 502: The answer is an HTML page.' },
    ],
  ])('%s', (_, status, body, outcome) => {
    expect(classifyAnswer(readRefusal(status, new Headers(), body))).toMatchObject(outcome)
  })

  it('never quotes what may be an answer, nor the text that was flagged', () => {
    const reported = [
      readRefusal(200, new Headers(), '{"choices":[{"message":{"content":"a secret'),
      readRefusal(200, new Headers(), { content: 'a secret' }),
      readRefusal(403, new Headers(), { error: { metadata: { reasons: ['x'], flagged_input: 'a secret' } } }),
    ]
    expect(JSON.stringify(reported.map(classifyAnswer))).not.toContain('secret')
  })

  it('has a message of at most 500 characters', () => {
    const { message } = readRefusal(500, new Headers(), { error: { message: 'x'.repeat(10_000) } })
    expect(message).toHaveLength(501)
  })
})
