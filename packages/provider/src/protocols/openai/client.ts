import { parseJson } from '@sluice/contract/json-text'
import type { LaneConfig } from '@sluice/contract/lane'
import type { RequestEndpoint } from '@sluice/contract/request-task'
import { createHttpPool, type HttpReply } from '../../http-pool.ts'

const openAiUrl = 'https://api.openai.com/v1'

/** A response, read whole. */
export interface RawAnswer extends HttpReply {
  /** The parsed text; the text itself when it is not JSON. */
  readonly body: unknown
}

export interface OpenAiClient extends AsyncDisposable {
  readonly baseUrl: URL
  /** One request to an endpoint, such as `/v1/chat/completions`; `body` is JSON. Rejects as HttpPool does. */
  post(endpoint: RequestEndpoint, body: string, signal: AbortSignal): Promise<RawAnswer>
}

/** It sends what the `openai` package sends: `client.test.ts` compares the two. */
export function createOpenAiClient({ baseUrl = openAiUrl, apiKey, headers, timeoutMs }: LaneConfig): OpenAiClient {
  const url = new URL(baseUrl)
  const pool = createHttpPool(url.origin)
  // Azure's addresses end with a query.
  const pathOf = (endpoint: RequestEndpoint) =>
    `${url.pathname.replace(/\/+$/, '')}${endpoint.replace(/^\/v1/, '')}${url.search}`
  const requestHeaders = {
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'sluice',
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    ...headers,
  }
  return {
    baseUrl: url,
    async post(endpoint, body, signal) {
      const request = { path: pathOf(endpoint), headers: requestHeaders, body, timeoutMs }
      const reply = await pool.request(request, { signal })
      return { ...reply, body: parseBody(reply.text) }
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

/** JSON that is too deep or has too many values is not parsed: a small text of this kind takes the memory of the process. */
function parseBody(text: string): unknown {
  const parsed = parseJson(text)
  return parsed.ok ? parsed.value : text
}
