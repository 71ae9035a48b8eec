import { type documentSummary, summary, type Summary } from '@sluice/contract/summary'
import type { z } from 'zod'
import { sleep } from './back-off.ts'
import { SummaryError } from './errors.ts'
import type { Http } from './http.ts'
import type { SubmitOptions } from './options.ts'
import { randomKey } from './submit.ts'

/** The options of a summary, by the API's names: `chunks` or `chunk_tokens`, `reduce_tokens`, `instructions`, `concurrency`, ... */
export type SummarizeOptions = z.input<typeof documentSummary> &
  SubmitOptions & {
    /** Receives every snapshot of the summary. An error that it throws ends the call. */
    readonly onProgress?: (summary: Summary) => void
  }

/** How long one request waits for the end before it returns the current state. */
const waitS = 2
/** How often a summary that a user paused is read. */
const pausedMs = 2_000

/**
 * The summary of a text, or of a file that the server reads (text, Markdown, HTML, PDF; the file name determines its type). Durable: with
 * the same `idempotencyKey` another process continues it. Throws a SummaryError if it fails, is cancelled, or is paused for a reason that
 * waiting does not fix.
 */
export async function summarize(http: Http, document: string | File, options: SummarizeOptions): Promise<Summary> {
  const { idempotencyKey = randomKey(), signal, onAbort = 'cancel', onProgress, ...how } = options
  const body = typeof document === 'string' ? JSON.stringify({ text: document, ...how }) : formOf(document, how)
  const headers = { 'idempotency-key': idempotencyKey }
  signal?.throwIfAborted()
  // Without the signal: the request may have arrived, and only its answer has the id to cancel.
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
