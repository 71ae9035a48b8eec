import { createHash } from 'node:crypto'
import { invalidRequest } from '@sluice/contract/error'
import { parse } from '@sluice/contract/parse'
import { idempotencyHeaders } from '@sluice/contract/routes'
import { type CreateSummary, defaultChunkTokens, defaultReduceTokens } from '@sluice/contract/summary'
import type { Engine } from '@sluice/engine/engine'
import type { ChunkSize } from '../chunks/chunk-text.ts'
import type { Chunker } from '../chunks/chunker.ts'
import type { Handlers } from '../mount.ts'
import { leaving } from '../stream.ts'

type Names = 'createSummary' | 'getSummary' | 'retrySummary' | 'cancelSummary' | 'deleteSummary'

export function summaryRoutes(
  { summaries, lanes, durability }: Pick<Engine, 'summaries' | 'lanes' | 'durability'>,
  chunker: Chunker,
  stopping: AbortSignal,
): Pick<Handlers, Names> {
  return {
    async createSummary({ req, body }) {
      const { 'Idempotency-Key': key } = parse(idempotencyHeaders, { 'Idempotency-Key': req.get('idempotency-key') })
      const { text, lane, instructions, parameters, concurrency, priority, metadata } = body
      if (!lanes.includes(lane))
        throw invalidRequest('unknown_lane', `There is no lane '${lane}'; there is: ${lanes.join(', ')}.`, 'lane')
      const chunks = await chunker.split(text, sizeOf(body))
      const largest = Math.max(...chunks.map(({ tokens }) => tokens))
      const { summary, created } = await summaries.create(
        {
          recipe: { lane, instructions, parameters },
          reduceTokens: body.reduce_tokens ?? Math.max(defaultReduceTokens, largest),
          concurrency,
          priority,
          metadata,
          idempotency: key === undefined ? undefined : { key, fingerprint: hash(body) },
        },
        chunks,
      )
      return { status: created ? 202 : 200, body: summary, headers: { 'x-sluice-durability': durability } }
    },

    async getSummary({ res, params: { id = '' }, query: { wait_s: waitS } }) {
      if (waitS === 0) return { status: 200, body: await summaries.get(id) }
      const signal = AbortSignal.any([leaving(res, stopping), AbortSignal.timeout(waitS * 1000)])
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

function sizeOf({ chunks, chunk_tokens: mostTokens = defaultChunkTokens }: CreateSummary): ChunkSize {
  return chunks === undefined ? { type: 'tokens', mostTokens } : { type: 'count', chunks }
}

function hash(body: CreateSummary): string {
  return createHash('sha256').update('summary').update(JSON.stringify(body)).digest('base64url')
}
