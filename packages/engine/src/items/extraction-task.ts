import type { LongTexts } from '@sluice/contract/extract-function'
import type { Extractor } from '@sluice/contract/extractor'
import type { Call } from '@sluice/contract/outcome'
import type { Tries } from '../ledger/run.ts'
import { decide, longerAnswer, type RetryPolicy, withCall } from './decide.ts'
import { afterPart, nextRequest, ofPart, optionsAfterTruncation, wholeAnswer, withParts } from './long-text.ts'
import type { Task, Verdict } from './task.ts'

export interface ExtractionTaskDependencies {
  readonly extractor: Extractor
  /** Whether a text that is longer than the lane's context is split. */
  readonly cutsTexts: boolean
  readonly longTexts: LongTexts
  readonly policy: RetryPolicy
}

/** Asks for data that fits the extractor's schema: part by part for a long text, and again, with the errors, after an invalid answer. */
export function createExtractionTask({ extractor, cutsTexts, longTexts, policy }: ExtractionTaskDependencies): Task {
  const afterTruncation = (text: string, tries: Tries) =>
    optionsAfterTruncation(longTexts, { extractor, cutsTexts, text, tries })

  /** The answer may be of one part of the text, of the last part, or of the whole text. */
  function succeed(call: Call, tries: Tries, data: unknown): Verdict {
    const next = afterPart(withCall(tries, call), data)
    if (next !== null) return { type: 'ask-again', tries: next }
    const whole = wholeAnswer(tries, longTexts, extractor, data)
    if (!whole.valid) return { type: 'fail', error: { type: 'invalid_output', message: whole.errors.join('\n') } }
    const { valid: _valid, ...answer } = whole
    return { type: 'succeed', answer }
  }

  return {
    begin: async (text, tries) => (cutsTexts ? withParts(tries, longTexts, extractor, text) : tries),
    nextRequest: (text, tries) => nextRequest(extractor, text, tries),

    async judge(call, text, tries) {
      const isTruncated = call.outcome.type === 'truncated'
      const options = isTruncated ? await afterTruncation(text, tries) : undefined
      const decision = decide(call, tries, { ...policy, reasks: extractor.reasks, afterTruncation: options })
      if (decision.type === 'succeed')
        return succeed(call, decision.repaired ? { ...tries, repaired: true } : tries, decision.data)
      if (decision.type !== 'fail') return decision
      const { type, message } = decision.error
      return { type: 'fail', error: { type, message: ofPart(tries, message) } }
    },

    /** Without the larger `max_tokens` after a truncated answer, the text is split, or the truncation is final. */
    async cheaperCall(text, before) {
      if (typeof before.maxTokens !== 'number') return { type: 'none' }
      const tries: Tries = { ...before, maxTokens: null }
      const options = await afterTruncation(text, tries)
      const next = options === undefined ? null : longerAnswer(tries, options)
      if (next !== null) return { type: 'ask-again', tries: next }
      const message = "The answer was cut off, and a longer one may cost more than the batch's cap allows."
      return { type: 'fail', error: { type: 'truncated', message } }
    },
  }
}
