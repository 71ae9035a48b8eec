import type { PatchBatch } from '@sluice/client'

/** Options that can be changed while a batch runs, and so do not make it another one. */
export interface LiveOptions {
  readonly concurrency?: number
  readonly priority?: number
  readonly maxCost?: number
}

/** Only what was given. */
export function toPatch({ concurrency, priority, maxCost }: LiveOptions): PatchBatch {
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(priority === undefined ? {} : { priority }),
    ...(maxCost === undefined ? {} : { max_cost_usd: maxCost }),
  }
}
