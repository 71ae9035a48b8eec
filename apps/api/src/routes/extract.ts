import { batchOptions, type Batch } from '@sluice/contract/batch'
import type { Result } from '@sluice/contract/result'
import type { Engine } from '@sluice/engine/engine'
import { type CheckSchema, resolveExtractor } from '../intake/extractor-choice.ts'
import type { Handlers } from '../http/mount.ts'
import { leaving } from '../http/stream.ts'

/** Waits for a batch of one item. The batch is as durable as any other: it continues after the client leaves or the wait ends. */
export function extractRoutes(
  engine: Engine,
  checkSchema: CheckSchema,
  stopping: AbortSignal,
): Pick<Handlers, 'extract'> {
  return {
    async extract({ res, body: { extractor: choice, text, wait_s } }) {
      const { extractor } = await resolveExtractor(choice, engine, checkSchema)
      const { batch } = await engine.batches.create({ extractor, options: batchOptions.parse({}) }, [{ id: '0', text }])
      const ended = new AbortController()
      const signal = AbortSignal.any([
        leaving(res, stopping),
        AbortSignal.timeout(Math.ceil(wait_s * 1000)),
        ended.signal,
      ])
      try {
        const found = await Promise.race([firstResult(batch.id, signal), paused(batch.id, signal)])
        if (found === undefined) return { status: 202, body: await engine.batches.get(batch.id) }
        const { index: _index, id: _id, cursor: _cursor, ...result } = found
        return { status: 200, body: { batch_id: batch.id, ...result } }
      } finally {
        ended.abort()
      }
    },
  }

  async function firstResult(batchId: string, signal: AbortSignal): Promise<Result | undefined> {
    for await (const [result] of await engine.results.read(batchId, { order: 'completion', follow: true }, { signal }))
      return result
    return undefined
  }

  /** A lane that is down pauses the batch. Then waiting is useless, and the batch reports why. */
  async function paused(batchId: string, signal: AbortSignal): Promise<undefined> {
    let last: Batch | undefined
    for await (last of engine.batches.watch(batchId, { intervalMs: 100, signal }))
      if (last.status === 'paused') return undefined
    // Ended or timed out: `firstResult` answers.
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
    return undefined
  }
}
