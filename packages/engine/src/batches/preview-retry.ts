import { notFound } from '@sluice/contract/error'
import type { Redis } from 'ioredis'
import type { Batches } from '../engine.ts'
import type { ItemSource } from '../items/take-item.ts'
import { readBatchMeta } from '../ledger/batch-meta.ts'
import { countFailures } from '../ledger/failure-groups.ts'
import { selectFailed } from '../ledger/select-failed.ts'
import type { Keys } from '../redis/keys.ts'

const sampleSize = 100
/** Pages of 500 failures that are looked at for the sample, where the counts of groups already say how many there are. */
const mostPages = 100

export interface PreviewRetryDependencies {
  readonly redis: Redis
  readonly keys: Keys
  readonly items: ItemSource
}

/** What a retry would do. Where the counts of the groups say how many items it takes, only a sample of them is read. */
export function createPreviewRetry({ redis, keys, items }: PreviewRetryDependencies): Batches['previewRetry'] {
  return async (id, selection) => {
    const k = keys.batch(id)
    const known = await countFailures(redis, k, selection)
    const sample: number[] = []
    let count = 0
    let pages = 0
    for await (const indexes of selectFailed(redis, k, selection)) {
      count += indexes.length
      sample.push(...indexes.slice(0, sampleSize - sample.length))
      pages += 1
      if (known !== null && (sample.length >= Math.min(known, sampleSize) || pages >= mostPages)) break
    }
    const meta = await readBatchMeta(redis, k, 'extractor', 'request', 'calls', 'output_tokens')
    if (meta === null) throw notFound('batch', id)
    const texts: string[] = []
    for (const index of sample.toSorted((a, b) => a - b)) {
      const item = await items.get(id, index)
      if (item !== null && item.failure === undefined) texts.push(item.text)
    }
    const { extractor, request, calls, output_tokens: tokens } = meta
    const answer = calls === 0 ? null : tokens / calls
    return { count: known ?? count, task: extractor ?? request, sampled: sample.length, texts, answerTokens: answer }
  }
}
