import type { EstimateTokens, LongTexts } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { LaneConfig } from '@sluice/contract/lane'
import { mergeAnswers } from '@sluice/schema/merge-answers'
import { compileSchema } from '@sluice/schema/validator'
import { largerAnswerTokens, splitForContext, splitInHalves } from '@sluice/text/context-parts'
import type { TextSplitter } from '@sluice/text/text-splitter'

/** Splits texts that do not fit the lane's `contextTokens`, and merges the answers. Without `contextTokens` every text is sent whole. */
export function createLongTexts(
  { contextTokens, maxOutputTokens }: LaneConfig,
  {
    estimateTokens,
    splitter,
    hasOwnCheck,
  }: {
    estimateTokens: EstimateTokens
    splitter: Pick<TextSplitter, 'split'>
    /** Whether code checks the extractor's answers: it may change them, so that the schema no longer describes them. */
    hasOwnCheck: (extractor: Extractor) => boolean
  },
): LongTexts {
  return {
    cut: async (extractor, text) =>
      contextTokens === undefined
        ? null
        : splitForContext({ extractor, text }, contextTokens, { estimateTokens, splitter }),

    afterTruncation: async (request) => ({
      maxTokens: largerAnswerTokens(request, { contextTokens, maxOutputTokens, estimateTokens }),
      parts: await splitInHalves(request, { estimateTokens, splitter }),
    }),

    join(extractor, answers) {
      const { data, sources } = mergeAnswers(extractor.schema, answers)
      if (hasOwnCheck(extractor)) return { valid: true, data, sources }
      const validation = compileSchema(extractor.schema).validate(data)
      return validation.valid ? { valid: true, data, sources } : validation
    },
  }
}
