import type { EstimateTokens, Extract, ExtractRequest } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import type { Call, Outcome } from '@sluice/contract/outcome'
import { noUsage } from '@sluice/contract/usage'
import { createEstimateTokens } from '@sluice/text/estimate-tokens'
import { APIError, OpenAI } from 'openai'
import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources'
import { type AnswerFormat, createAnswerFormat } from './protocols/openai/answer-format.ts'
import { classifyAnswer, classifyError } from './protocols/openai/classify.ts'
import { type Choice, readCompletion, readUsage } from './protocols/openai/completion.ts'
import { readLimits } from './protocols/openai/limits.ts'
import { createMessages } from './protocols/openai/messages.ts'
import { checkAnswer, type Refine } from './check-answer.ts'
import { createPoolFetch } from './protocols/openai/pool-fetch.ts'
import { errorIn, readRefusal } from './protocols/openai/refusal.ts'

/** Kept of an answer's text, in characters: it is stored with each item that fails, and with each that is asked again. */
const longestRaw = 64 * 1024
/** Of a line of errors: the model's own words are in it. */
const longestErrorLine = 500

const openAiUrl = 'https://api.openai.com/v1'

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
  const client = new Client({
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
      const reply = await ask(request, format, signal)
      const latencyMs = performance.now() - began
      const limits = reply.headers === undefined ? null : readLimits(reply.headers)
      if (reply.type === 'failed')
        return { outcome: reply.outcome, usage: noUsage, cachedInputTokens: 0, raw: null, limits, latencyMs }
      const { outcome, raw } = await read(reply, request.extractor, format)
      const used = readUsage(reply.body)
      return {
        outcome,
        usage: { input_tokens: used.input, output_tokens: used.output },
        cachedInputTokens: used.cachedInput,
        raw: raw === null ? null : cut(raw, longestRaw),
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
  ): Promise<Answered | { type: 'failed'; outcome: Outcome; headers: Headers | undefined }> {
    const { model = lane.model, max_tokens, ...sampling } = request.extractor.parameters
    const body = {
      model,
      messages: createMessages(request, format.schemaText),
      ...(format.responseFormat === undefined ? {} : { response_format: format.responseFormat }),
      ...sampling,
      ...(max_tokens === undefined ? {} : { [maxTokensField]: max_tokens }),
    } as ChatCompletionCreateParamsNonStreaming
    try {
      // The SDK's own reading throws on what is not JSON and believes the rest.
      const response = await client.chat.completions.create(body, { signal }).asResponse()
      const text = await response.text()
      return { type: 'answered', status: response.status, headers: response.headers, text, body: parseBody(text) }
    } catch (error) {
      signal.throwIfAborted()
      const headers = error instanceof APIError ? (error.headers as Headers | undefined) : undefined
      return { type: 'failed', outcome: classifyError(error), headers }
    }
  }

  async function read(
    { status, headers, text, body }: Answered,
    extractor: Extractor,
    format: AnswerFormat,
  ): Promise<Pick<Call, 'outcome' | 'raw'>> {
    const completion = readCompletion(body)
    if (completion === null || (completion.choice === null && errorIn(body) !== undefined)) {
      return { outcome: classifyAnswer(readRefusal(status, headers, body)), raw: text === '' ? null : text }
    }
    const { choice, problem } = completion
    if (choice === null) return { outcome: { type: 'invalid-output', errors: [problem] }, raw: text }
    const told = readUsage(body).output
    return { outcome: await judge(choice, told, headers, extractor, format), raw: choice.content ?? choice.refusal }
  }

  async function judge(
    { content, refusal, finishReason, error }: Choice,
    outputTokens: number,
    headers: Headers,
    extractor: Extractor,
    format: AnswerFormat,
  ): Promise<Outcome> {
    if (finishReason === 'error') {
      return classifyAnswer(readRefusal(200, headers, { error: error ?? 'The provider broke off its answer.' }))
    }
    if (refusal) return { type: 'refused', message: cut(refusal, longestErrorLine) }
    if (finishReason === 'content_filter')
      return { type: 'filtered', message: "The provider's content filter stopped the answer." }
    if (finishReason === 'length') {
      return {
        type: 'truncated',
        message: `The answer was cut off after ${outputTokens || '?'} tokens: raise max_tokens or ask for less.`,
      }
    }
    const checked = await checkAnswer(content ?? '', extractor.schema, { form: format, refine: refine(extractor) })
    switch (checked.type) {
      case 'valid':
        return { type: 'extracted', data: checked.data, ...(checked.repaired ? { repaired: true } : {}) }
      case 'invalid':
        return { type: 'invalid-output', errors: checked.errors.map((line) => cut(line, longestErrorLine)) }
      case 'author-error':
        return { type: 'broken-check', message: checked.message }
      default:
        return checked satisfies never
    }
  }
}

interface Answered {
  readonly type: 'answered'
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The text itself where it is no JSON. */
  readonly body: unknown
}

/** The SDK keeps only the `error` of a refusal's body; some servers tell what is wrong beside it. */
class Client extends OpenAI {
  protected override makeStatusError(status: number, body: object, text: string | undefined, headers: Headers) {
    return new APIError(status, body ?? text, undefined, headers)
  }
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
