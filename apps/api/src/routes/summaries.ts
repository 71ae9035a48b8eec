import { invalidRequest } from '@sluice/contract/error'
import { defaultChunkTokens, defaultReduceTokens, type SummaryOptions } from '@sluice/contract/summary'
import type { DocumentReader } from '@sluice/documents/document-reader'
import type { Engine } from '@sluice/engine/engine'
import type { PartSize } from '@sluice/text/split-by-size'
import type { TextSplitter } from '@sluice/text/text-splitter'
import { readIdempotencyKey } from '../http/idempotency-key.ts'
import type { Handlers } from '../http/mount.ts'
import { leaving } from '../http/stream.ts'
import { readSummaryUpload } from '../intake/summary-upload.ts'

type Names = 'createSummary' | 'listSummaries' | 'getSummary' | 'retrySummary' | 'cancelSummary' | 'deleteSummary'

/** Share of the lane's context for the text. The rest is for instructions, the answer, and models that count more tokens. */
const textShare = 0.6

export function summaryRoutes(
  { summaries, lanes, contextTokens, durability }: Pick<Engine, 'summaries' | 'lanes' | 'contextTokens' | 'durability'>,
  splitter: TextSplitter,
  documentReader: DocumentReader,
  stopping: AbortSignal,
): Pick<Handlers, Names> {
  return {
    async createSummary({ req, bodyType, body: json }) {
      const body = bodyType === 'form' ? await readSummaryUpload(req, documentReader) : json
      const idempotency = readIdempotencyKey(req, { summary: body })
      const { text, lane, instructions, parameters, concurrency, priority, metadata, webhook } = body
      if (!lanes.includes(lane))
        throw invalidRequest('unknown_lane', `There is no lane '${lane}'; there is: ${lanes.join(', ')}.`, 'lane')
      const room = Math.floor((contextTokens(lane) ?? Number.POSITIVE_INFINITY) * textShare)
      const chunks = await splitter.split(text, sizeOf(body, room))
      const largest = Math.max(...chunks.map(({ tokens }) => tokens))
      const { summary, created } = await summaries.create(
        {
          recipe: { lane, instructions, parameters },
          reduceTokens: body.reduce_tokens ?? Math.min(room, Math.max(defaultReduceTokens, largest)),
          concurrency,
          priority,
          metadata,
          webhook,
          idempotency,
        },
        chunks,
      )
      return { status: created ? 202 : 200, body: summary, headers: { 'x-sluice-durability': durability } }
    },

    listSummaries: async ({ query }) => ({ status: 200, body: await summaries.list(query) }),

    async getSummary({ res, params: { id = '' }, query: { wait_s: waitS } }) {
      if (waitS === 0) return { status: 200, body: await summaries.get(id) }
      const signal = AbortSignal.any([leaving(res, stopping), AbortSignal.timeout(Math.ceil(waitS * 1000))])
      return { status: 200, body: await summaries.settled(id, { signal }) }
    },

    retrySummary: async ({ params: { id = '' } }) => ({ status: 200, body: await summaries.retry(id) }),
    cancelSummary: async ({ params: { id = '' } }) => ({ status: 200, body: await summaries.cancel(id) }),
    async deleteSummary({ params: { id = '' } }) {
      await summaries.delete(id)
      return { status: 200, body: { id, object: 'summary', deleted: true } }
    },
  }
}

function sizeOf({ chunks, chunk_tokens: size }: SummaryOptions, room: number): PartSize {
  const mostTokens = size ?? Math.min(defaultChunkTokens, room)
  return chunks === undefined ? { type: 'tokens', mostTokens } : { type: 'count', parts: chunks }
}
