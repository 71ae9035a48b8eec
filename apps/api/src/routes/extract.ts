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
    async extract({ res, body: { extractor: choice, text, name, wait_s: waitS, keep_s: keepS } }) {
      const { extractor } = await resolveExtractor(choice, engine, checkSchema)
      const signal = AbortSignal.any([leaving(res, stopping), AbortSignal.timeout(Math.ceil(waitS * 1_000))])
      const ended = await engine.extractions.run(
        { extractor, text, name, keptMs: Math.ceil(keepS * 1_000) },
        { signal },
      )
      switch (ended.type) {
        case 'pending':
          return { status: 202, body: ended.batch }
        case 'result': {
          const { index: _index, id: _id, cursor: _cursor, ...result } = ended.result
          return { status: 200, body: { batch_id: ended.batchId, ...result } }
        }
        default:
          return ended satisfies never
      }
    },
  }
}
