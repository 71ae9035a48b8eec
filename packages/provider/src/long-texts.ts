import type { EstimateTokens, LongTexts } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import type { TextSplitter } from '@sluice/text/text-splitter'
import { mergeAnswers } from '@sluice/schema/merge-answers'
import { compileSchema } from '@sluice/schema/validator'

/** Kept for the answer, and for answers that are shown again, where `max_tokens` does not tell. */
const answerShare = 1 / 4
/** Other models count some ten per cent more than the encoding that is counted with. */
const countedShare = 0.9
const overlapShare = 1 / 10
const mostOverlapTokens = 200
/** With less room for the text the instructions and the schema are what is too long. */
const leastTokens = 50

/** Texts that do not fit the lane's `contextTokens`; without it every text is sent as it is. */
export function createLongTexts(
  { contextTokens }: LaneConfig,
  {
    estimateTokens,
    split,
    checksItself,
  }: {
    estimateTokens: EstimateTokens
    split: TextSplitter['split']
    /** Whether an extractor's answers are checked by its own code, and may be something else afterwards than its schema tells. */
    checksItself: (extractor: Extractor) => boolean
  },
): LongTexts {
  return {
    async cut(extractor, text) {
      if (contextTokens === undefined) return null
      const room = contextTokens - (extractor.parameters.max_tokens ?? Math.ceil(contextTokens * answerShare))
      if (estimateTokens({ extractor, text, reasks: [] }).input <= room) return null
      const recipe = estimateTokens({ extractor, text: '', reasks: [] }).input
      const mostTokens = Math.floor((room - recipe) * countedShare)
      if (mostTokens < leastTokens) return null
      const overlapTokens = Math.min(mostOverlapTokens, Math.floor(mostTokens * overlapShare))
      const parts = await split(text, { mostTokens, overlapTokens })
      return parts.length === 1 ? null : parts
    },

    join(extractor, answers) {
      const { data, sources } = mergeAnswers(extractor.schema, answers)
      if (checksItself(extractor)) return { valid: true, data, sources }
      const validation = compileSchema(extractor.schema).validate(data)
      return validation.valid ? { valid: true, data, sources } : validation
    },
  }
}
