import type { TaskDefinition } from '@sluice/contract/request-task'
import { estimateAnswerTokens } from '@sluice/text/estimate-answer'
import { createEstimateTokens } from '@sluice/text/estimate-tokens'

/** Of a raw request without a limit: nothing says how long its answer will be. */
const unlimitedAnswerTokens = 500

interface Tokens {
  readonly input: number
  readonly output: number
}

/** Estimates the tokens of one call for an item. `answerTokens`: how long answers were so far; null: not known. */
export type Estimator = (task: TaskDefinition, answerTokens: number | null) => (text: string) => Tokens

export function createEstimator(): Estimator {
  const estimateTokens = createEstimateTokens()
  return (task, answerTokens) => {
    if (task.object === 'request') {
      const { endpoint } = task
      return (body) => {
        const { input, mostOutput } = estimateTokens({ task: 'request', endpoint, body, model: undefined })
        const most = mostOutput ?? Number.POSITIVE_INFINITY
        return { input, output: Math.min(answerTokens ?? mostOutput ?? unlimitedAnswerTokens, most) }
      }
    }
    const most = task.parameters.max_tokens ?? Number.POSITIVE_INFINITY
    const output = Math.min(answerTokens ?? estimateAnswerTokens(task.schema), most)
    return (text) => ({ input: estimateTokens({ extractor: task, text, reasks: [] }).input, output })
  }
}
