import type { RequestEndpoint } from '@sluice/contract/request-task'
import { describe, expect, test } from 'vitest'
import { createPass } from './pass.ts'

const never = { signal: new AbortController().signal }

function answering(status: number, text: string, headers: Record<string, string> = {}, endpoint?: RequestEndpoint) {
  const sent: string[] = []
  const pass = createPass({
    async post(to, json) {
      sent.push(`${to} ${json}`)
      let body: unknown = text
      try {
        body = JSON.parse(text)
      } catch {}
      return { status, headers: new Headers(headers), text, body: text.length > 200_000 ? text : body }
    },
  })
  const request = {
    task: 'request',
    endpoint: endpoint ?? '/v1/chat/completions',
    body: '{ "a":1 }',
    model: 'm',
  } as const
  return { sent, reply: pass(request, never) }
}

describe("a user's own request", () => {
  test('is sent byte for byte, and its response comes back byte for byte', async () => {
    const text = '{"id":"x","big":12345678901234567890,"usage":{"prompt_tokens":3,"completion_tokens":4}}'
    const { sent, reply } = answering(200, text, { 'x-request-id': 'req_1' })
    expect(await reply).toMatchObject({
      result: { type: 'responded' },
      tokens: { input: 3, output: 4 },
      response: { status: 200, requestId: 'req_1', body: text },
    })
    expect(sent).toEqual(['/v1/chat/completions { "a":1 }'])
  })

  test('has a response of one line, so that it fits a line of a file', async () => {
    const { reply } = answering(200, '{\r\n  "id": "x",\n  "text": "a\\nb"\n}\n')
    expect((await reply).response?.body).toBe('{"id": "x","text": "a\\nb"}')
  })

  test.each([
    ['Responses', { input_tokens: 7, output_tokens: 2, input_tokens_details: { cached_tokens: 5 } }, [7, 5, 2]],
    ['Chat', { prompt_tokens: 7, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 5 } }, [7, 5, 2]],
    ['Embeddings', { prompt_tokens: 7, total_tokens: 7 }, [7, 0, 0]],
  ])('is counted by the usage that %s reports', async (_, usage, [input, cachedInput, output]) => {
    const { reply } = answering(200, JSON.stringify({ id: 'x', usage }))
    expect((await reply).tokens).toEqual({ input, cachedInput, output })
  })

  test('may be answered with more embeddings than are parsed', async () => {
    const text = `{"data":[{"embedding":[${'0.25,'.repeat(150_000)}1]}],"usage":{"prompt_tokens":9,"total_tokens":9}}`
    const { reply } = answering(200, text, {}, '/v1/embeddings')
    expect(await reply).toMatchObject({ result: { type: 'responded' }, tokens: { input: 9 } })
  })

  test.each([
    [400, 'rejected'],
    [404, 'wrong-url'],
    [429, 'rate-limited'],
    [500, 'unavailable'],
    [401, 'bad-credentials'],
  ])('keeps the response of an error %i', async (status, type) => {
    const text = JSON.stringify({ error: { message: 'no', type: 'x', param: null, code: null } })
    expect(await answering(status, text).reply).toMatchObject({ result: { type }, response: { status, body: text } })
  })

  test('is not done when its response is cut off, or a page of a proxy', async () => {
    expect(await answering(200, '{"id":"x"').reply).toMatchObject({ result: { type: 'unavailable' }, response: null })
    const { result, response } = await answering(502, '<html>Bad Gateway</html>').reply
    expect(result.type).toBe('unavailable')
    expect(JSON.parse(response?.body ?? '')).toEqual({
      error: { message: '<html>Bad Gateway</html>', type: 'server_error', param: null, code: null },
    })
  })

  test('fails where a server reports an error with status 200, but not where a response object has a field for it', async () => {
    expect((await answering(200, '{"error":{"message":"busy","code":503}}').reply).result.type).toBe('unavailable')
    expect((await answering(200, '{"id":"resp_1","error":{"code":"x","message":"y"}}').reply).result.type).toBe(
      'responded',
    )
  })
})
