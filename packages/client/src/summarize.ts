import { type documentSummary, summary, type Summary } from '@sluice/contract/summary'
import type { z } from 'zod'
import { sleep } from './back-off.ts'
import { SummaryError } from './errors.ts'
import type { Http } from './http.ts'
import type { SubmitOptions } from './options.ts'
import { randomKey } from './random-key.ts'

/** How a summary is made, by the API's own names: `chunks` or `chunk_tokens`, `reduce_tokens`, `instructions`, `concurrency`, ... */
export type SummarizeOptions = z.input<typeof documentSummary> &
  SubmitOptions & {
    /** Told of every snapshot of the summary; what it throws ends the call. */
    readonly onProgress?: (summary: Summary) => void
  }

/** One request waits so long for the end, and then tells how far it is. */
const waitS = 2
/** A summary that a user paused is looked at so often. */
const pausedMs = 2_000

/**
 * The summary of a text, or of a file that the server reads (text, Markdown, HTML, PDF; its type is told by its name). Durable: with an
 * `idempotencyKey` another process that asks for the same goes on with it. Throws a SummaryError when it fails, is cancelled, or is paused
 * for a reason that waiting does not mend.
 */
export async function summarize(http: Http, document: string | File, options: SummarizeOptions): Promise<Summary> {
  const { idempotencyKey = randomKey(), signal, onAbort = 'cancel', onProgress, ...how } = options
  const body = typeof document === 'string' ? JSON.stringify({ text: document, ...how }) : formOf(document, how)
  const headers = { 'idempotency-key': idempotencyKey }
  signal?.throwIfAborted()
  // Not with the signal: what was sent may have arrived, and only its answer tells what to cancel.
  let now = await http.json(summary, { method: 'POST', path: '/v1/summaries', body, headers, repeat: 'safe' })
  const path = `/v1/summaries/${now.id}`
  try {
    for (;;) {
      signal?.throwIfAborted()
      onProgress?.(now)
      if (now.status === 'completed') return now
      const waits = now.status === 'in_progress' || (now.status === 'paused' && now.pause_reason === 'user')
      if (!waits) throw new SummaryError(now)
      if (now.status === 'paused') await sleep(pausedMs, signal)
      now = await http.json(summary, { method: 'GET', path: `${path}?wait_s=${waitS}`, signal, repeat: 'safe' })
    }
  } catch (error) {
    if (signal?.aborted === true && onAbort === 'cancel')
      await http.json(summary, { method: 'POST', path: `${path}/cancel`, repeat: 'safe' }).catch(() => {})
    throw error
  }
}

function formOf(file: File, how: object): FormData {
  const form = new FormData()
  form.append('summary', JSON.stringify(how))
  form.append('document', file)
  return form
}
