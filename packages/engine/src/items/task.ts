import type { CallRequest, LongTexts } from '@sluice/contract/extract-function'
import type { Call } from '@sluice/contract/outcome'
import type { Recipe } from '../ledger/batch-meta.ts'
import type { Tries } from '../ledger/run.ts'
import type { Answer } from './answer-cache.ts'
import type { Later, RetryPolicy } from './decide.ts'
import { createExtractionTask } from './extraction-task.ts'
import { createRequestTask } from './request-task.ts'
import type { ItemError } from './take-item.ts'

/**
 * What is done with the items of a batch: which request each call sends, what its answer is worth, and whether another call follows.
 * Everything else (window, quota, ledger, retries after an outage, cost) is the same for every task. A task keeps no state: what an
 * item has used so far is in its tries.
 */
export interface Task {
  /** The tries of an item that was just taken. */
  begin(text: string, tries: Tries): Promise<Tries>
  nextRequest(text: string, tries: Tries): CallRequest
  /** `tries`: what the item had used before this call. */
  judge(call: Call, text: string, tries: Tries): Promise<Verdict>
  /** What to do instead of a call that may cost more than the batch's cap allows. */
  cheaperCall(text: string, tries: Tries): Promise<CheaperCall>
}

/** What follows from a call. */
export type Verdict =
  | { readonly type: 'succeed'; readonly answer: Answer }
  | { readonly type: 'fail'; readonly error: ItemError }
  /** Call again at once, with what the item has used by now. */
  | { readonly type: 'ask-again'; readonly tries: Tries }
  | Later

type CheaperCall =
  /** There is none: the batch pauses. */
  | { readonly type: 'none' }
  | { readonly type: 'ask-again'; readonly tries: Tries }
  | { readonly type: 'fail'; readonly error: ItemError }

/** The task of a batch; the same object for the same recipe. */
export type TaskOf = (recipe: Recipe) => Task

export interface TasksDependencies {
  readonly longTexts: LongTexts
  readonly policy: RetryPolicy
}

export function createTaskOf(dependencies: TasksDependencies): TaskOf {
  const tasks = new WeakMap<Recipe, Task>()
  return (recipe) => {
    let task = tasks.get(recipe)
    if (task === undefined) {
      task = createTask(recipe, dependencies)
      tasks.set(recipe, task)
    }
    return task
  }
}

function createTask({ task: definition, cutsTexts }: Recipe, dependencies: TasksDependencies): Task {
  switch (definition.object) {
    case 'extractor':
      return createExtractionTask({ ...dependencies, extractor: definition, cutsTexts })
    case 'request':
      return createRequestTask({ ...dependencies, definition })
    default:
      return definition satisfies never
  }
}
