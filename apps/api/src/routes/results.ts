import { isEnded } from '@sluice/contract/batch'
import { SluiceError } from '@sluice/contract/error'
import type { Result, ResultsQuery } from '@sluice/contract/result'
import { mediaTypes } from '@sluice/contract/route'
import type { Engine } from '@sluice/engine/engine'
import type { Request } from 'express'
import { createTurns } from '../gate/turns.ts'
import { createCsv } from '../http/csv.ts'
import type { Handlers } from '../http/mount.ts'
import { formatEvent, leaving, streamEvents, streamLines } from '../http/stream.ts'

const progressEveryMs = 250

export function resultRoutes(engine: Engine, stopping: AbortSignal): Pick<Handlers, 'streamResults' | 'streamEvents'> {
  return {
    async streamResults({ req, res, params: { id = '' }, query: { format, formulas = 'escape', ...query } }) {
      const type = format === undefined ? acceptedType(req) : mediaTypes[format]
      const signal = leaving(res, stopping)
      const lastEventId = req.get('last-event-id')
      const from: ResultsQuery =
        type === mediaTypes.eventStream && lastEventId ? { ...query, after: lastEventId } : query
      const pages = await engine.results.read(id, from, { signal })
      if (format !== undefined) res.attachment(`${id}.${format}`)
      switch (type) {
        case mediaTypes.csv: {
          const { header, row } = createCsv({ ...(await engine.results.shape(id)), formulas })
          const first = from.after === undefined ? header : ''
          await streamLines(res, mapPages(pages, row, first), {
            signal,
            type: `${type}; charset=utf-8; header=present`,
          })
          return 'written'
        }
        case mediaTypes.ndjson:
          await streamLines(
            res,
            mapPages(pages, (one) => `${JSON.stringify(one)}\n`),
            { signal, type },
          )
          return 'written'
        case mediaTypes.eventStream:
          await streamEvents(
            res,
            mapPages(pages, (one) => formatEvent({ id: one.cursor, data: one })),
            signal,
          )
          return 'written'
        default:
          return type satisfies never
      }
    },

    async streamEvents({ res, params: { id = '' } }) {
      await engine.batches.get(id)
      const signal = leaving(res, stopping)
      await streamEvents(res, progress(), signal)
      return 'written'

      async function* progress() {
        let hasEnded = false
        for await (const batch of engine.batches.watch(id, { intervalMs: progressEveryMs, signal })) {
          yield formatEvent({ name: 'progress', data: batch })
          hasEnded = isEnded(batch.status)
        }
        // The last snapshot says that it runs: a reader would wait for a batch that no longer exists.
        if (!hasEnded && !signal.aborted) yield formatEvent({ name: 'gone', data: { id } })
      }
    },
  }
}

function acceptedType(req: Request): typeof mediaTypes.ndjson | typeof mediaTypes.eventStream {
  const type = req.accepts([mediaTypes.ndjson, mediaTypes.eventStream])
  if (type !== false) return type as typeof mediaTypes.ndjson | typeof mediaTypes.eventStream
  throw new SluiceError(
    'invalid_request_error',
    'not_acceptable',
    `Results come as ${mediaTypes.ndjson} or ${mediaTypes.eventStream}, or with format=csv as ${mediaTypes.csv}.`,
    { param: 'accept' },
  )
}

/** A write per result would be a system call per result; one per page would hold a large page a second time, as text. */
const chunkLength = 65_536

/** The lines or events of the pages in chunks. A chunk is sent before the next one is formatted. */
async function* mapPages(
  pages: AsyncIterable<readonly Result[]>,
  format: (result: Result) => string,
  first = '',
): AsyncGenerator<string> {
  const turn = createTurns()
  if (first !== '') yield first
  for await (const page of pages) {
    await turn()
    yield* chunksOf(page, format)
  }
}

/** Apart from `mapPages`, which would keep the last result while it waits for the next page. */
function* chunksOf(page: readonly Result[], format: (result: Result) => string): Generator<string> {
  let chunk = ''
  for (const one of page) {
    chunk += format(one)
    if (chunk.length < chunkLength) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
