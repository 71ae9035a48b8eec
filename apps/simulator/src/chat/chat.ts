import type { ServerResponse } from 'node:http'
import type { Answerer } from '../answer/answerer.ts'
import { type ApiError, badKey, invalidRequest, outOfFunds, serverError, unknownModel } from '../errors.ts'
import type { Fault, FaultName, Faults } from '../faults.ts'
import { pause, sendError, sendJson } from '../http.ts'
import type { Latency } from '../latency.ts'
import { type Limits, rateLimited, tokensReserved, tooLarge } from '../limits.ts'
import type { Stats } from '../stats.ts'
import { completionBody, createChoice } from './completion.ts'
import { bendBody, bodyInstead } from './odd-body.ts'
import { createSchemaFinder, estimateTokens, promptTokens, textOf } from './conversation.ts'
import { type ChatRequest, createRequestReader } from './request.ts'

export interface ChatParts {
  readonly models: readonly string[]
  readonly answerer: Answerer
  readonly limits: Limits
  readonly latency: Latency
  readonly faults: Faults
  readonly stats: Stats
}

/** `slow` is this many times slower. */
const slowness = 10
const defaultRetryAfterS = 1
const serverErrors: Partial<Record<FaultName, number>> = { '500': 500, '503': 503, '529': 529 }

/** Answers one chat request. Resolves when the response has ended or its client has left. */
export type Chat = (body: string, response: ServerResponse) => Promise<void>

export function createChat({ models, answerer, limits, latency, faults, stats }: ChatParts): Chat {
  const readRequest = createRequestReader()
  const findSchema = createSchemaFinder()
  let inFlight = 0

  return async (body, response) => {
    stats.arrived(Date.now())
    inFlight += 1
    try {
      await answer(body, response)
    } finally {
      inFlight -= 1
      stats.ended()
    }
  }

  async function answer(body: string, response: ServerResponse): Promise<void> {
    const request = parse(body)
    if ('error' in request) return sendError(response, request.error)
    const { model, messages } = request
    const now = performance.now()
    const schema = request.format?.type === 'json_schema' ? request.format.schema : findSchema(messages)
    const prompt = promptTokens(request, schema === null ? 0 : answerer.sizeOf(schema))
    const reserved = tokensReserved(prompt, request.maxTokens)
    const full = limits.refusal(model, reserved, now)
    if (full !== null) return refuse(response, model, full, now)

    const text = textOf(messages)
    const fault = faults.next(text)
    if (fault !== null) stats.failed(fault.name)
    const refused = fault === null ? null : refusalOf(fault, model, reserved)
    if (refused !== null) return refuse(response, model, refused, now)

    limits.take(model, reserved, now)
    stats.admitted(Date.now())
    const headers = limits.headers(model, now)
    if (!(await pause(delayOf(fault), response))) return stats.left()
    limits.answered(model, reserved, performance.now())
    const status = fault === null ? undefined : serverErrors[fault.name]
    if (status !== undefined) return sendError(response, serverError(status), headers)
    if (fault?.name === 'cut') {
      response.destroy()
      return undefined
    }
    const instead = bodyInstead(fault?.name)
    if (instead !== null) return sendJson(response, 200, instead.body, { ...headers, 'content-type': instead.type })

    const content =
      schema !== null
        ? JSON.stringify(answerer.answer(schema, text))
        : request.format === null
          ? answerer.summarize(text)
          : JSON.stringify({ summary: answerer.summarize(text) })
    const choice = createChoice(content, fault?.name ?? null, request.maxTokens)
    const completion = estimateTokens((choice.content ?? choice.refusal ?? '').length)
    stats.paid(text, prompt + completion)
    if (fault?.name === 'cut_after') {
      response.destroy()
      return undefined
    }
    const made = completionBody(model, choice, prompt, completion)
    return sendJson(response, 200, bendBody(made, fault?.name), headers)
  }

  function parse(body: string): ChatRequest | { error: ApiError } {
    let json: unknown
    try {
      json = JSON.parse(body)
    } catch (error) {
      return { error: invalidRequest(`We could not parse the JSON body of your request: ${String(error)}`, null) }
    }
    const request = readRequest(json)
    if ('error' in request || models.includes(request.model)) return request
    return { error: unknownModel(request.model) }
  }

  function refuse(response: ServerResponse, model: string, error: ApiError, now: number): void {
    stats.refused(error.status === 429 ? kindOf(error) : String(error.status))
    sendError(response, error, limits.headers(model, now))
  }

  function delayOf(fault: Fault | null): number {
    if (fault?.name === 'hang') return Number.POSITIVE_INFINITY
    return latency.next(inFlight) * (fault?.name === 'slow' ? slowness : 1)
  }

  /** Faults that are answered at once, and use nothing of the limits. */
  function refusalOf({ name, retryAfterS }: Fault, model: string, tokens: number): ApiError | null {
    if (name === 'rate_limit') return rateLimited(model, 'requests', (retryAfterS ?? defaultRetryAfterS) * 1_000)
    if (name === 'insufficient_quota') return outOfFunds()
    if (name === 'request_too_large') return tooLarge(model, limits.settings.tpm ?? Math.floor(tokens / 2), tokens)
    if (name === '401') return badKey('')
    return name === '404' ? unknownModel(model) : null
  }
}

function kindOf({ code, type, message }: ApiError): string {
  if (code === 'insufficient_quota') return code
  return message.startsWith('Request too large') ? 'request_too_large' : type
}
