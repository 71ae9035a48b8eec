import type { Protocol, Reply } from '../../protocol.ts'
import type { ResponseHeaders } from '../../http-pool.ts'
import { classifyConnectionError } from '../../connection-error.ts'
import { createOpenAiClient, type RawAnswer } from './client.ts'
import { classifyAnswer } from './classify.ts'
import { type Choice, readCompletion, readUsage } from './completion.ts'
import { readLimits } from './limits.ts'
import { errorIn, readRefusal } from './refusal.ts'
import { createPass } from './pass.ts'
import { createRequest } from './request.ts'

const noTokens: Reply['tokens'] = { input: 0, cachedInput: 0, output: 0 }

/** OpenAI's Chat Completions, and the many servers that are compatible with it. */
export const openai: Protocol = {
  connect(lane) {
    const client = createOpenAiClient(lane)
    return {
      prepare(extractor) {
        const { form, body } = createRequest(extractor, lane, client.baseUrl)
        return {
          ...form,
          async send(request, { signal }) {
            let answer: RawAnswer
            try {
              answer = await client.post('/v1/chat/completions', body(request), signal)
            } catch (error) {
              signal.throwIfAborted()
              return { result: classifyConnectionError(error), tokens: noTokens, raw: null, limits: null }
            }
            return readAnswer(answer)
          },
        }
      },
      pass: createPass(client),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    }
  },
}

/** A completion, or an error, which some servers send with status 200. */
function readAnswer({ status, headers, text, body }: RawAnswer): Reply {
  const limits = readLimits(headers)
  if (status >= 400) {
    return { result: classifyAnswer(readRefusal(status, headers, body)), tokens: noTokens, raw: null, limits }
  }
  const tokens = readUsage(body)
  const completion = readCompletion(body)
  if (completion === null || (completion.choice === null && errorIn(body) !== undefined)) {
    const result = classifyAnswer(readRefusal(status, headers, body))
    return { result, tokens, limits, raw: text === '' ? null : text }
  }
  const { choice, problem } = completion
  if (choice === null) return { result: { type: 'invalid-output', errors: [problem] }, tokens, limits, raw: text }
  return { result: readChoice(choice, headers, tokens.output), tokens, limits, raw: choice.content ?? choice.refusal }
}

function readChoice(
  { content, refusal, finishReason, error }: Choice,
  headers: ResponseHeaders,
  outputTokens: number,
): Reply['result'] {
  if (finishReason === 'error') {
    return classifyAnswer(readRefusal(200, headers, { error: error ?? 'The provider broke off its answer.' }))
  }
  if (refusal) return { type: 'refused', message: refusal }
  if (finishReason === 'content_filter')
    return { type: 'filtered', message: "The provider's content filter stopped the answer." }
  if (finishReason === 'length') {
    return {
      type: 'truncated',
      message: `The answer was cut off after ${outputTokens || '?'} tokens: raise max_tokens or ask for less.`,
    }
  }
  return { type: 'answered', content: content ?? '' }
}
