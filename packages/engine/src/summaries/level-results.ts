import { chunkPlace, type SummaryChunk } from '@sluice/contract/summary'
import type { FailureType } from '@sluice/contract/result'
import type { Results } from '../engine.ts'

export interface LevelResults {
  /** Those that succeeded, in order. */
  readonly parts: readonly { readonly index: number; readonly summary: string; readonly metadata: unknown }[]
  readonly failed: readonly { readonly index: number; readonly type: FailureType; readonly message: string }[]
}

/** What a level's batch has made. */
export async function readLevel(results: Results, batchId: string): Promise<LevelResults> {
  const parts: LevelResults['parts'][number][] = []
  const failed: LevelResults['failed'][number][] = []
  const signal = new AbortController().signal
  for await (const page of await results.read(batchId, { order: 'input', follow: false }, { signal })) {
    for (const { index, data, error, metadata } of page) {
      if (error === undefined) parts.push({ index, summary: (data as { summary: string }).summary, metadata })
      else failed.push({ index, ...error })
    }
  }
  return { parts, failed }
}

/** The chunks of the text with their summaries: what the first level has made. */
export async function readChunks(results: Results, batchId: string): Promise<SummaryChunk[]> {
  const { parts } = await readLevel(results, batchId)
  return parts.map(({ index, summary, metadata }) => ({ index, ...chunkPlace.parse(metadata), summary }))
}
