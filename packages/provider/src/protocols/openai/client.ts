import { parseJson } from '@sluice/contract/json-text'
import type { LaneConfig } from '@sluice/contract/lane'
import { APIError, OpenAI } from 'openai'
import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources'
import { createPoolFetch } from '../../pool-fetch.ts'

const openAiUrl = 'https://api.openai.com/v1'

/** A response, read whole. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The parsed text; the text itself when it is not JSON. */
  readonly body: unknown
}

export interface OpenAiClient extends AsyncDisposable {
  readonly baseUrl: URL
  /** One request. Rejects with the SDK's errors. */
  post(body: ChatCompletionCreateParamsNonStreaming, signal: AbortSignal): Promise<RawAnswer>
  /**
   * Sends JSON as it is to an endpoint, given with its `/v1`. Resolves with every response, whatever its status. Rejects when the
   * connection breaks, with a TimeoutError when the lane's time is over, or when `signal` aborts.
   */
  send(endpoint: string, json: string, signal: AbortSignal): Promise<RawAnswer>
}

export function createOpenAiClient({ baseUrl = openAiUrl, apiKey, timeoutMs }: LaneConfig): OpenAiClient {
  const url = new URL(baseUrl)
  const pool = createPoolFetch(url.origin)
  // The SDK requires a key; servers that need none ignore it.
  const key = apiKey ?? 'none'
  const sdk = new Sdk({
    baseURL: baseUrl,
    apiKey: key,
    // Only the engine decides about retries.
    maxRetries: 0,
    timeout: timeoutMs,
    fetch: pool.fetch,
    logLevel: 'off',
  })
  return {
    baseUrl: url,
    async post(body, signal) {
      // The SDK's own parsing throws on text that is not JSON, and does not check the rest.
      const response = await sdk.chat.completions.create(body, { signal }).asResponse()
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, body: parseBody(text) }
    },
    async send(endpoint, json, signal) {
      // The SDK reads the body of an error and keeps only what it parsed of it.
      const response = await pool.fetch(`${baseUrl.replace(/\/+$/, '')}${endpoint.replace(/^\/v1/, '')}`, {
        method: 'POST',
        headers: { accept: 'application/json', 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: json,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, body: parseBody(text) }
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}

/** The headers of an error response; undefined when no response came. */
export function errorHeaders(error: unknown): Headers | undefined {
  return error instanceof APIError ? (error.headers as Headers | undefined) : undefined
}

/** The SDK keeps only the `error` field of an error body; some servers put the reason into other fields. */
class Sdk extends OpenAI {
  protected override makeStatusError(status: number, body: object, text: string | undefined, headers: Headers) {
    return new APIError(status, body ?? text, undefined, headers)
  }
}

/** JSON that is too deep or has too many values is not parsed: a small text of this kind takes the memory of the process. */
function parseBody(text: string): unknown {
  const parsed = parseJson(text)
  return parsed.ok ? parsed.value : text
}
