import type { PatchBatch } from '@sluice/client'

/** Options that can change while a batch runs. They do not make it another batch. */
export interface LiveOptions {
  readonly concurrency?: number
  readonly priority?: number
  readonly maxCost?: number
}

/** Only the options that were given. */
export function toPatch({ concurrency, priority, maxCost }: LiveOptions): PatchBatch {
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(priority === undefined ? {} : { priority }),
    ...(maxCost === undefined ? {} : { max_cost_usd: maxCost }),
  }
}
