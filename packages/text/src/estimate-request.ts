import type { RawRequest, TokenEstimate } from '@sluice/contract/extract-function'
import { parseJson } from '@sluice/contract/json-text'

/** A picture, whatever its size: providers charge 85 to about 1,500 tokens. */
const tokensPerPicture = 800
const tokensPerMessage = 4

/** The fields of OpenAI's endpoints that limit an answer. */
const outputLimits = ['max_completion_tokens', 'max_output_tokens', 'max_tokens'] as const

/** Tokens of a body that a user wrote: of all its texts, and one for each number of an input that is given as tokens. */
export function estimateRequest({ endpoint, body }: RawRequest, countTokens: (text: string) => number): TokenEstimate {
  const hasNoAnswer = endpoint === '/v1/embeddings' || endpoint === '/v1/moderations'
  const parsed = parseJson(body)
  // Too many values to look at each: a body is mostly text.
  if (!parsed.ok) return { input: countTokens(body), mostOutput: hasNoAnswer ? 0 : null }
  const fields = (parsed.value ?? {}) as Record<string, unknown>
  const limit = outputLimits.map((name) => fields[name]).find((value) => typeof value === 'number')
  return { input: tokensIn(fields, countTokens), mostOutput: hasNoAnswer ? 0 : (limit ?? null) }
}

function tokensIn(value: unknown, countTokens: (text: string) => number): number {
  if (typeof value === 'string') return value.startsWith('data:') ? tokensPerPicture : countTokens(value)
  if (typeof value === 'number') return 1
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + tokensIn(one, countTokens), 0)
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((sum, one) => sum + tokensIn(one, countTokens), tokensPerMessage)
}
