import { parseJson } from '@sluice/contract/json-text'
import type { RequestTask } from '@sluice/contract/request-task'
import { decideRequest, type RetryPolicy } from './decide.ts'
import { shownResponse } from './record-item.ts'
import type { Task } from './task.ts'

export interface RequestTaskDependencies {
  readonly definition: RequestTask
  readonly policy: RetryPolicy
}

/** Sends each item, a request body, as it is. Any response that is not an error is the result, and so is an error that a retry would repeat. */
export function createRequestTask({ definition: { endpoint }, policy }: RequestTaskDependencies): Task {
  return {
    begin: async (_body, tries) => tries,
    nextRequest: (body) => ({ task: 'request', endpoint, body, model: modelIn(body) }),
    async judge(call, _body, tries) {
      const { outcome, response } = call
      if (outcome.type === 'responded' && response !== undefined)
        return { type: 'succeed', answer: { response: shownResponse(response) } }
      return decideRequest(call, tries, policy)
    },
    cheaperCall: async () => ({ type: 'none' }),
  }
}

function modelIn(body: string): string | undefined {
  const parsed = parseJson(body)
  const model = parsed.ok ? (parsed.value as { model?: unknown } | null)?.model : undefined
  return typeof model === 'string' ? model : undefined
}
