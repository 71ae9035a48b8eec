import type { Batch } from '@sluice/contract/batch'

/** For tests: a server in memory. `answer` receives each request. An error that it throws is a broken connection. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Headers
  readonly body: string
  readonly signal: AbortSignal | null
}

export function scriptedFetch(answer: (asked: Asked, count: number) => Response | Promise<Response>): {
  readonly fetch: typeof globalThis.fetch
  readonly asked: Asked[]
} {
  const asked: Asked[] = []
  return {
    asked,
    async fetch(input, init = {}) {
      const { pathname, searchParams } = new URL(input instanceof Request ? input.url : input)
      const one: Asked = {
        method: init.method ?? 'GET',
        path: pathname,
        query: searchParams,
        headers: new Headers(init.headers),
        body: typeof init.body === 'string' ? init.body : '',
        signal: init.signal ?? null,
      }
      asked.push(one)
      init.signal?.throwIfAborted()
      return answer(one, asked.length)
    },
  }
}

/** Server-sent events; the stream closes after the last one, or breaks with `then`. */
export function eventStream(events: readonly { id?: string; event?: string; data: unknown }[], then?: Error): Response {
  const text = events.map(({ id, event, data }) => {
    const lines = [...(event === undefined ? [] : [`event: ${event}`]), ...(id === undefined ? [] : [`id: ${id}`])]
    return `${[...lines, `data: ${JSON.stringify(data)}`].join('\n')}\n\n`
  })
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = text.shift()
      if (next !== undefined) controller.enqueue(new TextEncoder().encode(next))
      else if (then === undefined) controller.close()
      else controller.error(then)
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

export const ended = { event: 'end', data: {} }

/** A batch as the API shows it. */
export function batchBody(more: Partial<Batch> = {}, total = 3): Batch {
  return {
    id: 'batch_1',
    object: 'batch',
    task: 'extraction',
    name: null,
    extractor: 'inline',
    lane: 'default',
    status: 'in_progress',
    pause_reason: null,
    hold: null,
    counts: { total, waiting: total, running: 0, succeeded: 0, failed: 0, cancelled: 0 },
    usage: { input_tokens: 0, output_tokens: 0, calls: 0, repeated_calls: 0, deduplicated: 0, cached: 0 },
    cost_usd: null,
    eta_s: null,
    rate: null,
    binding: null,
    concurrency: null,
    max_cost_usd: null,
    priority: 10,
    stored_bytes: null,
    created_at: 0,
    started_at: null,
    finished_at: null,
    deadlines: {},
    skipped: null,
    metadata: {},
    ...more,
  }
}

export function refused(status: number, type: string, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { type, code, message: `${code} it is`, param: null } }, { status, headers })
}
