import { SluiceError } from '@sluice/contract/error'
import type { Result, ResultsQuery } from '@sluice/contract/result'
import { mediaTypes } from '@sluice/contract/route'
import type { Engine } from '@sluice/engine/engine'
import { createTurns } from '../gate/turns.ts'
import type { Handlers } from '../http/mount.ts'
import { formatEvent, leaving, streamEvents, streamLines } from '../http/stream.ts'

const progressEveryMs = 250

export function resultRoutes(engine: Engine, stopping: AbortSignal): Pick<Handlers, 'streamResults' | 'streamEvents'> {
  return {
    async streamResults({ req, res, params: { id = '' }, query }) {
      const type = req.accepts([mediaTypes.ndjson, mediaTypes.eventStream])
      if (type === false) {
        throw new SluiceError(
          'invalid_request_error',
          'not_acceptable',
          `Results come as ${mediaTypes.ndjson} or ${mediaTypes.eventStream}.`,
          { param: 'accept' },
        )
      }
      const signal = leaving(res, stopping)
      const lastEventId = req.get('last-event-id')
      const from: ResultsQuery =
        type === mediaTypes.eventStream && lastEventId ? { ...query, after: lastEventId } : query
      const pages = await engine.results.read(id, from, { signal })
      if (type === mediaTypes.ndjson)
        await streamLines(
          res,
          mapPages(pages, (one) => `${JSON.stringify(one)}\n`),
          signal,
        )
      else
        await streamEvents(
          res,
          mapPages(pages, (one) => formatEvent({ id: one.cursor, data: one })),
          signal,
        )
      return 'written'
    },

    async streamEvents({ res, params: { id = '' } }) {
      await engine.batches.get(id)
      const signal = leaving(res, stopping)
      await streamEvents(res, progress(), signal)
      return 'written'

      async function* progress() {
        for await (const batch of engine.batches.watch(id, { intervalMs: progressEveryMs, signal })) {
          yield formatEvent({ name: 'progress', data: batch })
        }
      }
    },
  }
}

/** A write per result would be a system call per result; one per page would hold a large page a second time, as text. */
const chunkLength = 65_536

/** The lines or events of the pages in chunks. A chunk is sent before the next one is formatted. */
async function* mapPages(
  pages: AsyncIterable<readonly Result[]>,
  format: (result: Result) => string,
): AsyncGenerator<string> {
  const turn = createTurns()
  for await (const page of pages) {
    await turn()
    let chunk = ''
    for (const one of page) {
      chunk += format(one)
      if (chunk.length < chunkLength) continue
      yield chunk
      chunk = ''
    }
    if (chunk !== '') yield chunk
  }
}
