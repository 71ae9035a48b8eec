import type { ExtractRequest } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import type { SentForm } from '../../check-answer.ts'
import { createAnswerFormat } from './answer-format.ts'
import { createConversation } from '../../conversation.ts'

export interface RequestTemplate {
  readonly form: SentForm
  /** The request body for one text, as JSON. */
  readonly body: (request: ExtractRequest) => string
}

/** What is the same for every text of an extractor is computed once. */
export function createRequest(extractor: Extractor, lane: LaneConfig, baseUrl: URL): RequestTemplate {
  const { responseFormat, schemaText, ...form } = createAnswerFormat(extractor, lane.structuredOutput)
  const { model = lane.model, max_tokens, ...sampling } = extractor.parameters
  // Newer models of OpenAI reject `max_tokens`; most compatible servers know no other name.
  const maxTokensField = baseUrl.hostname.endsWith('openai.com') ? 'max_completion_tokens' : 'max_tokens'
  const fixed = {
    model,
    ...(responseFormat === undefined ? {} : { response_format: responseFormat }),
    ...sampling,
    ...(max_tokens === undefined ? {} : { [maxTokensField]: max_tokens }),
  }
  const start = `${JSON.stringify(fixed).slice(0, -1)},"messages":`
  return { form, body: (request) => `${start}${JSON.stringify(createConversation(request, schemaText))}}` }
}
