import type { EstimateTokens, Extract, ExtractRequest } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import type { Call, LimitSample, Outcome } from '@sluice/contract/outcome'
import { noUsage } from '@sluice/contract/usage'
import { dropAddedNulls } from '@sluice/schema/null-drop'
import { compileSchema } from '@sluice/schema/validator'
import { createEstimateTokens } from '@sluice/tokens/estimate-tokens'
import { APIError, OpenAI } from 'openai'
import type { ChatCompletion, ChatCompletionCreateParamsNonStreaming } from 'openai/resources'
import { type AnswerFormat, createAnswerFormat } from './answer-format.ts'
import { classifyError } from './classify.ts'
import { readLimits } from './limits.ts'
import { createMessages } from './messages.ts'
import { parseAnswer } from './parse-answer.ts'
import { createPoolFetch } from './pool-fetch.ts'

const openAiUrl = 'https://api.openai.com/v1'

/** Takes the place of the JSON Schema's validation, for extractors written in code. Errors: one line each, path first. */
export type Refine = (
  data: unknown,
) => Promise<{ readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly errors: readonly string[] }>

export interface ProviderOptions {
  /** The code's own check for an extractor; undefined where it has none. */
  readonly refine?: (extractor: Extractor) => Refine | undefined
}

export interface Provider extends AsyncDisposable {
  readonly extract: Extract
  readonly estimateTokens: EstimateTokens
}

/** One lane's model. Each `extract` is one request: nothing is retried here, everything that was paid for is kept. */
export function createProvider(lane: LaneConfig, { refine = () => undefined }: ProviderOptions = {}): Provider {
  const baseURL = lane.baseUrl ?? openAiUrl
  const pool = createPoolFetch(new URL(baseURL).origin)
  const client = new OpenAI({
    baseURL,
    // The SDK insists on a key; servers without one ignore it.
    apiKey: lane.apiKey ?? 'none',
    // The engine is the only authority on retries.
    maxRetries: 0,
    timeout: lane.timeoutMs,
    fetch: pool.fetch,
    logLevel: 'off',
  })
  // Newer models of OpenAI refuse `max_tokens`; most compatible servers know nothing else.
  const maxTokensField = new URL(baseURL).hostname.endsWith('openai.com') ? 'max_completion_tokens' : 'max_tokens'
  const formats = new WeakMap<Extractor, AnswerFormat>()

  return {
    estimateTokens: createEstimateTokens(),
    async extract(request, { signal }) {
      signal.throwIfAborted()
      const began = performance.now()
      const format = formatOf(request.extractor)
      const settled = await ask(request, format, signal)
      const latencyMs = performance.now() - began
      if (settled.type === 'refused-request')
        return { ...notAnswered, outcome: settled.outcome, limits: settled.limits, latencyMs }
      const { completion, limits } = settled
      return {
        outcome: await read(completion, request.extractor, format),
        usage: {
          input_tokens: completion.usage?.prompt_tokens ?? 0,
          output_tokens: completion.usage?.completion_tokens ?? 0,
        },
        cachedInputTokens: completion.usage?.prompt_tokens_details?.cached_tokens ?? 0,
        raw: completion.choices?.[0]?.message?.content ?? completion.choices?.[0]?.message?.refusal ?? null,
        limits,
        latencyMs,
      }
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }

  function formatOf(extractor: Extractor): AnswerFormat {
    let format = formats.get(extractor)
    if (format === undefined) {
      format = createAnswerFormat(extractor, lane.structuredOutput)
      formats.set(extractor, format)
    }
    return format
  }

  async function ask(
    request: ExtractRequest,
    format: AnswerFormat,
    signal: AbortSignal,
  ): Promise<
    | { type: 'answered'; completion: ChatCompletion; limits: LimitSample | null }
    | { type: 'refused-request'; outcome: Outcome; limits: LimitSample | null }
  > {
    const { model = lane.model, max_tokens, ...sampling } = request.extractor.parameters
    const body = {
      model,
      messages: createMessages(request, format.schemaText),
      ...(format.responseFormat === undefined ? {} : { response_format: format.responseFormat }),
      ...sampling,
      ...(max_tokens === undefined ? {} : { [maxTokensField]: max_tokens }),
    } as ChatCompletionCreateParamsNonStreaming
    try {
      const { data, response } = await client.chat.completions.create(body, { signal }).withResponse()
      return { type: 'answered', completion: data, limits: readLimits(response.headers) }
    } catch (error) {
      signal.throwIfAborted()
      const limits =
        error instanceof APIError && error.headers !== undefined ? readLimits(error.headers as Headers) : null
      return { type: 'refused-request', outcome: classifyError(error), limits }
    }
  }

  async function read(completion: ChatCompletion, extractor: Extractor, format: AnswerFormat): Promise<Outcome> {
    const choice = completion.choices?.[0]
    if (choice === undefined) return { type: 'invalid-output', errors: ['the answer has no choices'] }
    const { message, finish_reason: reason } = choice
    if (message.refusal) return { type: 'refused', message: message.refusal }
    if (reason === 'content_filter')
      return { type: 'filtered', message: "The provider's content filter stopped the answer." }
    if (reason === 'length') {
      return {
        type: 'truncated',
        message: `The answer was cut off after ${completion.usage?.completion_tokens ?? '?'} tokens: raise max_tokens or ask for less.`,
      }
    }
    const parsed = parseAnswer(message.content ?? '')
    if (!parsed.ok) return { type: 'invalid-output', errors: [parsed.error] }
    const data = format.addedNulls ? dropAddedNulls(extractor.schema, parsed.value) : parsed.value
    const check = refine(extractor)
    if (check !== undefined) {
      const refined = await check(data)
      return refined.ok ? { type: 'extracted', data: refined.data } : { type: 'invalid-output', errors: refined.errors }
    }
    const validation = compileSchema(extractor.schema).validate(data)
    return validation.valid ? { type: 'extracted', data } : { type: 'invalid-output', errors: validation.errors }
  }
}

const notAnswered: Omit<Call, 'outcome' | 'limits' | 'latencyMs'> = { usage: noUsage, cachedInputTokens: 0, raw: null }
