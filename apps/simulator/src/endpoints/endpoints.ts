import type { ServerResponse } from 'node:http'
import type { Answerer } from '../answer/answerer.ts'
import { estimateTokens } from '../chat/conversation.ts'
import { type ApiError, invalidRequest, serverError, unknownModel } from '../errors.ts'
import type { Faults } from '../faults.ts'
import { pause, sendError, sendJson } from '../http.ts'
import type { Latency } from '../latency.ts'
import { type Limits, rateLimited } from '../limits.ts'
import type { Stats } from '../stats.ts'

export interface EndpointParts {
  readonly models: readonly string[]
  readonly answerer: Answerer
  readonly limits: Limits
  readonly latency: Latency
  readonly faults: Faults
  readonly stats: Stats
}

/** Answers one request to one of OpenAI's other endpoints. Resolves when the response has ended or its client has left. */
type Endpoint = (body: string, response: ServerResponse) => Promise<void>

interface Asked {
  readonly model: string
  readonly texts: readonly string[]
}

const dimensions = 8
const retryAfterMs = 1_000
let made = 0

/** By path: `/v1/responses`, `/v1/embeddings`, `/v1/completions` and `/v1/moderations`, with the same limits and latency as chat. */
export function createEndpoints(parts: EndpointParts): Map<string, Endpoint> {
  const { models, answerer, limits, latency, faults, stats } = parts
  let inFlight = 0

  const endpoint =
    (field: string, answer: (asked: Asked, inputTokens: number) => { body: object; outputTokens: number }): Endpoint =>
    async (text, response) => {
      stats.arrived(Date.now())
      inFlight += 1
      try {
        await serve(field, answer, text, response)
      } finally {
        inFlight -= 1
        stats.ended()
      }
    }

  async function serve(
    field: string,
    answer: (asked: Asked, inputTokens: number) => { body: object; outputTokens: number },
    text: string,
    response: ServerResponse,
  ): Promise<void> {
    const asked = read(text, field)
    if ('error' in asked) return sendError(response, asked.error)
    const { model, texts } = asked
    const now = performance.now()
    const input = texts.reduce((sum, one) => sum + estimateTokens(one.length), 0)
    const full = limits.refusal(model, input, now)
    const fault = full === null ? faults.next(texts.join('\n')) : null
    if (fault !== null) stats.failed(fault.name)
    const refused = full ?? (fault?.name === 'rate_limit' ? rateLimited(model, 'requests', retryAfterMs) : null)
    if (refused !== null) {
      stats.refused(refused.type)
      return sendError(response, refused, limits.headers(model, now))
    }
    limits.take(model, input, now)
    stats.admitted(Date.now())
    const headers = limits.headers(model, now)
    if (!(await pause(latency.next(inFlight), response))) return stats.left()
    limits.answered(model, input, performance.now())
    if (fault?.name === '500' || fault?.name === '503')
      return sendError(response, serverError(Number(fault.name)), headers)
    const { body, outputTokens } = answer(asked, input)
    stats.paid(texts.join('\n'), input + outputTokens)
    made += 1
    return sendJson(response, 200, JSON.stringify(body), { ...headers, 'x-request-id': `req_sim${made.toString(36)}` })
  }

  function read(text: string, field: string): Asked | { readonly error: ApiError } {
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      return { error: invalidRequest('We could not parse the JSON body of your request.', null) }
    }
    const { model, [field]: input } = (json ?? {}) as Record<string, unknown>
    if (typeof model !== 'string') return { error: invalidRequest('you must provide a model parameter', null) }
    if (!models.includes(model)) return { error: unknownModel(model) }
    if (input === undefined) return { error: invalidRequest(`Missing required parameter: '${field}'.`, field) }
    const list = Array.isArray(input) ? input : [input]
    return { model, texts: list.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))) }
  }

  const id = (prefix: string) => `${prefix}-sim${made.toString(36)}`
  const created = () => Math.floor(Date.now() / 1_000)
  const said = (texts: readonly string[]) => answerer.summarize(texts.join('\n'))

  return new Map([
    [
      '/v1/responses',
      endpoint('input', ({ model, texts }, input) => {
        const text = said(texts)
        const outputTokens = estimateTokens(text.length)
        const message = {
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text }],
        }
        const usage = {
          input_tokens: input,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: outputTokens,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: input + outputTokens,
        }
        const body = { object: 'response', created_at: created(), status: 'completed', error: null, model }
        return { body: { id: id('resp'), ...body, output: [message], usage }, outputTokens }
      }),
    ],
    [
      '/v1/embeddings',
      endpoint('input', ({ model, texts }, input) => ({
        body: {
          object: 'list',
          data: texts.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) })),
          model,
          usage: { prompt_tokens: input, total_tokens: input },
        },
        outputTokens: 0,
      })),
    ],
    [
      '/v1/completions',
      endpoint('prompt', ({ model, texts }, input) => {
        const text = said(texts)
        const outputTokens = estimateTokens(text.length)
        const usage = { prompt_tokens: input, completion_tokens: outputTokens, total_tokens: input + outputTokens }
        const choices = [{ text, index: 0, logprobs: null, finish_reason: 'stop' }]
        return {
          body: { id: id('cmpl'), object: 'text_completion', created: created(), model, choices, usage },
          outputTokens,
        }
      }),
    ],
    [
      '/v1/moderations',
      endpoint('input', ({ model, texts }) => ({
        body: {
          id: id('modr'),
          model,
          results: texts.map(() => ({ flagged: false, categories: {}, category_scores: {} })),
        },
        outputTokens: 0,
      })),
    ],
  ])
}

/** The same for the same text. */
function vectorOf(text: string): number[] {
  return Array.from({ length: dimensions }, (_, i) => ((text.charCodeAt(i % text.length) || 0) % 100) / 100)
}
