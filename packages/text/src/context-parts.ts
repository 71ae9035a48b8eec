import type { EstimateTokens, ExtractRequest, TextRange } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { TextSplitter } from './text-splitter.ts'

/** Share of the context that is kept for the answer, and for answers that a re-ask repeats, when `max_tokens` is not set. */
const answerShare = 1 / 4
/** Other models count about ten per cent more than the encoding that is used here. */
const countedShare = 0.9
const overlapShare = 1 / 10
const mostOverlapTokens = 200
/** With less room for the text, the instructions and the schema are too long. */
const leastTokens = 50

/**
 * Splits a text that does not fit the model's context, together with the instructions, the schema and the answer. Null: the text is sent
 * whole, because it fits, because one part is enough, or because the instructions leave no room; the provider then reports the problem.
 */
export async function splitForContext(
  { extractor, text }: { readonly extractor: Extractor; readonly text: string },
  contextTokens: number,
  { estimateTokens, splitter }: { estimateTokens: EstimateTokens; splitter: Pick<TextSplitter, 'split'> },
): Promise<readonly TextRange[] | null> {
  const room = contextTokens - (extractor.parameters.max_tokens ?? Math.ceil(contextTokens * answerShare))
  if (estimateTokens({ extractor, text, reasks: [] }).input <= room) return null
  const instructionTokens = estimateTokens({ extractor, text: '', reasks: [] }).input
  const mostTokens = Math.floor((room - instructionTokens) * countedShare)
  if (mostTokens < leastTokens) return null
  const overlapTokens = Math.min(mostOverlapTokens, Math.floor(mostTokens * overlapShare))
  const parts = await splitter.split(text, { type: 'tokens', mostTokens, overlapTokens })
  return parts.length === 1 ? null : parts.map(({ start, end }) => ({ start, end }))
}

/** The `max_tokens` that a request may have whose answer was cut off at a smaller one; null: the lane allows no larger one. */
export function largerAnswerTokens(
  request: ExtractRequest,
  {
    contextTokens,
    maxOutputTokens,
    estimateTokens,
  }: {
    readonly contextTokens: number | undefined
    readonly maxOutputTokens: number | undefined
    readonly estimateTokens: EstimateTokens
  },
): number | null {
  const current = request.extractor.parameters.max_tokens
  // Without either limit, the model has already written as much as it can.
  if (maxOutputTokens === undefined && (current === undefined || contextTokens === undefined)) return null
  const share = maxOutputTokens ?? Math.floor((contextTokens ?? 0) * answerShare)
  const room = contextTokens === undefined ? share : contextTokens - estimateTokens(request).input
  const most = Math.min(share, room)
  return most > (current ?? 0) ? most : null
}

/** Two parts of a text, or a few, each with about half of its tokens; null: it is too short. */
export async function splitInHalves(
  { extractor, text }: ExtractRequest,
  { estimateTokens, splitter }: { estimateTokens: EstimateTokens; splitter: Pick<TextSplitter, 'split'> },
): Promise<readonly TextRange[] | null> {
  const tokensOf = (part: string) => estimateTokens({ extractor, text: part, reasks: [] }).input
  const mostTokens = Math.ceil((tokensOf(text) - tokensOf('')) / 2)
  if (mostTokens < leastTokens) return null
  const overlapTokens = Math.min(mostOverlapTokens, Math.floor(mostTokens * overlapShare))
  const parts = await splitter.split(text, { type: 'tokens', mostTokens: mostTokens + overlapTokens, overlapTokens })
  return parts.length === 1 ? null : parts.map(({ start, end }) => ({ start, end }))
}
