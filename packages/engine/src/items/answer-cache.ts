import { createHash } from 'node:crypto'
import type { LaneConfig } from '@sluice/contract/lane'
import type { TaskDefinition } from '@sluice/contract/request-task'
import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import type { StoredResult } from '../ledger/stored-result.ts'

/** The part of a result that does not depend on the item. */
export type Answer = Pick<StoredResult, 'data' | 'repaired' | 'parts' | 'response'>

/** Answers stored across batches, for batches that ask for it. A lost answer costs one more call, so they are not part of the ledger. */
export interface Answers {
  /** An answer to this text that is not older than `mostAgeMs`; null when there is none. */
  find(task: TaskDefinition, text: string, mostAgeMs: number): Promise<Answer | null>
  keep(task: TaskDefinition, text: string, answer: Answer, forMs: number): Promise<void>
}

export interface AnswersDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly config: Pick<LaneConfig, 'baseUrl' | 'model' | 'structuredOutput'>
}

/** The answers of one lane. Lanes with the same server and model share them, whatever their names. */
export function createAnswers({ redis, keys, config }: AnswersDependencies): Answers {
  const { baseUrl, model, structuredOutput } = config
  const recipes = new WeakMap<TaskDefinition, string>()

  function keyOf(task: TaskDefinition, text: string): string {
    let recipe = recipes.get(task)
    if (recipe === undefined) {
      recipe = JSON.stringify([baseUrl ?? null, ...recipeOf(task)])
      recipes.set(task, recipe)
    }
    return keys.answer(createHash('sha256').update(recipe).update('\0').update(text).digest('base64url'))
  }

  /** A request's body names its model. */
  function recipeOf(task: TaskDefinition): readonly unknown[] {
    if (task.object === 'request') return ['request', task.endpoint]
    const { schema, instructions, parameters } = task
    return [structuredOutput, schema, instructions, { model, ...parameters }]
  }

  return {
    async find(task, text, mostAgeMs) {
      const kept = await redis.get(keyOf(task, text))
      if (kept === null) return null
      const bar = kept.indexOf('|')
      if (Date.now() - Number(kept.slice(0, bar)) > mostAgeMs) return null
      return JSON.parse(kept.slice(bar + 1)) as Answer
    },
    async keep(task, text, answer, forMs) {
      const now = Date.now()
      await redis.set(keyOf(task, text), `${now}|${JSON.stringify(answer)}`, 'PX', Math.ceil(forMs))
    },
  }
}
