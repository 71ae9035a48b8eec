import type { FaultName } from '../faults.ts'
import { estimateTokens, firstTokens } from './conversation.ts'

export interface Choice {
  readonly content: string | null
  readonly refusal: string | null
  readonly finishReason: 'stop' | 'length' | 'content_filter'
}

/** The answer of the model, changed by the fault of this call if there is one that is visible in an answer. */
export function createChoice(answer: string, fault: FaultName | null, maxTokens: number | null): Choice {
  const choice = fault === null ? said(answer) : bend(answer, fault)
  if (choice.content === null || maxTokens === null || estimateTokens(choice.content.length) <= maxTokens) return choice
  return { ...choice, content: firstTokens(choice.content, maxTokens), finishReason: 'length' }
}

function said(content: string): Choice {
  return { content, refusal: null, finishReason: 'stop' }
}

function bend(answer: string, fault: FaultName): Choice {
  switch (fault) {
    case 'bad_json':
      return said(`${answer.replace(/\}\s*$/, '')}, "and so on": `)
    case 'fenced_json':
      return said(`Here it is:\n\n\`\`\`json\n${answer}\n\`\`\``)
    case 'schema_violation':
      return said(violate(answer))
    case 'refusal':
      return { content: null, refusal: "I'm sorry, I can't help with that.", finishReason: 'stop' }
    case 'truncation':
      return { content: answer.slice(0, Math.ceil(answer.length / 2)), refusal: null, finishReason: 'length' }
    case 'content_filter':
      return { content: null, refusal: null, finishReason: 'content_filter' }
    case 'empty':
      return said('')
    // These faults are not visible in the answer, or there is no answer.
    case 'rate_limit':
    case 'insufficient_quota':
    case 'request_too_large':
    case '500':
    case '503':
    case '529':
    case '401':
    case '404':
    case 'hang':
    case 'slow':
    case 'cut':
    case 'cut_after':
    case 'rate_limit_in_200':
    case 'error_in_200':
    case 'html':
    case 'broken_body':
    case 'no_message':
    case 'odd_usage':
      return said(answer)
    default:
      return fault satisfies never
  }
}

/** Still JSON, but with a value of another type in the first place. */
function violate(answer: string): string {
  let value: unknown
  try {
    value = JSON.parse(answer)
  } catch {
    return '["unexpected"]'
  }
  const first = typeof value === 'object' && value !== null ? Object.entries(value)[0] : undefined
  if (first === undefined) return '["unexpected"]'
  const [name, inner] = first
  const other = typeof inner === 'object' && inner !== null ? 'unexpected' : { unexpected: true }
  return JSON.stringify({ ...(value as object), [name]: other })
}

let made = 0

export function completionBody(
  model: string,
  { content, refusal, finishReason }: Choice,
  promptTokens: number,
  completionTokens: number,
): string {
  made += 1
  return JSON.stringify({
    id: `chatcmpl-sim${made.toString(36)}`,
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1_000),
    model,
    choices: [
      { index: 0, message: { role: 'assistant', content, refusal }, logprobs: null, finish_reason: finishReason },
    ],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      prompt_tokens_details: { cached_tokens: 0 },
    },
    system_fingerprint: null,
  })
}
