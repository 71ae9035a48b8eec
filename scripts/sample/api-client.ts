import { setTimeout as sleep } from 'node:timers/promises'
import { batch, batchList, isEnded, type Batch, type BatchStatus } from '@sluice/contract/batch'
import type { CreateExtractor } from '@sluice/contract/extractor'
import { errorBody } from '@sluice/contract/error'
import { result, type Result } from '@sluice/contract/result'
import type { z } from 'zod'

/** The few requests that `start` makes, over HTTP like everyone's. Each rejects with what the API said when it refuses. */
export interface ApiClient {
  readonly url: string
  putExtractor(extractor: Pick<CreateExtractor, 'name' | 'schema' | 'instructions' | 'lane'>): Promise<void>
  createBatch(extractor: string, items: readonly string[]): Promise<Batch>
  /** Newest first, at most 100. */
  batches(status?: BatchStatus): Promise<Batch[]>
  /** In input order, as far as there are any. */
  results(batchId: string, limit: number): Promise<Result[]>
  /** Snapshots until the batch has ended; goes on by itself when the API is away for a while. */
  follow(batchId: string): AsyncIterable<Batch>
}

const reconnectMs = 500

export function createApiClient(url: string, apiKey: string | undefined, signal: AbortSignal): ApiClient {
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers)
    if (apiKey !== undefined) headers.set('authorization', `Bearer ${apiKey}`)
    const response = await fetch(`${url}${path}`, { ...init, headers, signal })
    if (response.ok) return response
    const refused = errorBody.safeParse(await response.json().catch(() => undefined))
    throw new Error(
      `${init.method ?? 'GET'} ${path}: ${refused.success ? refused.data.error.message : response.status}`,
    )
  }
  const post = (path: string, body: unknown): Promise<Response> =>
    request(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const read = async <T>(schema: z.ZodType<T>, response: Response): Promise<T> => schema.parse(await response.json())

  return {
    url,
    async putExtractor(extractor) {
      const response = await post('/v1/extractors', extractor)
      await response.body?.cancel()
    },
    createBatch: async (extractor, items) => read(batch, await post('/v1/batches', { extractor, items })),
    async batches(status) {
      const query = new URLSearchParams({ limit: '100', ...(status === undefined ? {} : { status }) })
      return (await read(batchList, await request(`/v1/batches?${query.toString()}`))).data
    },
    async results(batchId, limit) {
      const response = await request(`/v1/batches/${batchId}/results`)
      const results: Result[] = []
      for await (const line of linesOf(response)) {
        if (line !== '') results.push(result.parse(JSON.parse(line)))
        if (results.length === limit) break
      }
      return results
    },
    async *follow(batchId) {
      while (true) {
        try {
          const response = await request(`/v1/batches/${batchId}/events`, { headers: { accept: 'text/event-stream' } })
          for await (const line of linesOf(response)) {
            if (!line.startsWith('data:')) continue
            const snapshot = batch.safeParse(JSON.parse(line.slice('data:'.length)))
            if (!snapshot.success) continue
            yield snapshot.data
            if (isEnded(snapshot.data.status)) return
          }
        } catch (error) {
          // A cut connection is a TypeError of fetch; everything else was said by the API.
          if (signal.aborted || !(error instanceof TypeError)) throw error
        }
        await sleep(reconnectMs, undefined, { signal })
      }
    },
  }
}

async function* linesOf(response: Response): AsyncIterable<string> {
  if (response.body === null) return
  let rest = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split(/\r?\n/)
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
