import { batch, type Batch } from '@sluice/contract/batch'
import { inlineExtractor } from '@sluice/contract/extractor'
import type { Http } from './http.ts'
import { createPieces } from './items.ts'
import type { BatchOptions, ExtractorOptions, SubmitOptions, Texts, WorkOptions } from './options.ts'
import { anyValue, type Check, type JsonSchema, readSchema, type Schema } from './schema.ts'
import { upload } from './upload.ts'

/** An input up to this size is sent in one request, so the first call starts after one round trip. */
const oneRequest = { items: 5_000, characters: 500_000 }

/** The extractor of a request, by name or inline, the options of its batch, and the check of its values in this process. */
export interface Extraction {
  readonly extractor: string | { readonly schema: JsonSchema }
  readonly options: BatchOptions
  readonly check: Check
}

/** Options that act in this process. Every option that is not listed here is sent to the server, so a new one needs no change here. */
const clientOptions: object = {
  schema: true,
  extractor: true,
  idempotencyKey: true,
  signal: true,
  onAbort: true,
  onProgress: true,
  returnExceptions: true,
} satisfies Record<Exclude<keyof WorkOptions<Schema>, keyof BatchOptions>, true>
const extractorParts: ReadonlySet<string> = new Set(Object.keys(inlineExtractor.shape))

/** Splits a caller's options into those for the server and those for this process. Throws a TypeError for options that give no extractor, or two. */
export function readExtraction(given: ExtractorOptions<Schema> & BatchOptions): Extraction {
  const read = given.schema === undefined ? undefined : readSchema(given.schema)
  const check = read?.check ?? anyValue
  const parts: Record<string, unknown> = {}
  const options: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || Object.hasOwn(clientOptions, name)) continue
    if (extractorParts.has(name)) parts[name] = value
    else options[name] = value
  }
  if (given.extractor === undefined) {
    if (read === undefined) throw new TypeError('schema: Give a schema, or the name of an extractor on the server.')
    return { extractor: { schema: read.json, ...parts }, options, check }
  }
  const [part] = Object.keys(parts)
  if (part === undefined) return { extractor: given.extractor, options, check }
  throw new TypeError(
    `${part}: It is part of the extractor '${given.extractor}'. Leave it out, or leave out \`extractor\`.`,
  )
}

/** Resolves to the batch when it is on disk; to null if there is no text. */
export async function submitTexts(
  http: Http,
  texts: Texts,
  { extractor, options }: Extraction,
  { idempotencyKey, signal, onAbort = 'cancel' }: SubmitOptions,
): Promise<Batch | null> {
  const pieces = createPieces(texts)
  try {
    signal?.throwIfAborted()
    const first = await pieces.next(oneRequest)
    if (first.last && first.lines.length === 0) return null
    const headers = { 'idempotency-key': idempotencyKey ?? randomKey() }
    const unfinished = idempotencyKey === undefined ? 'remove' : 'keep'
    if (!first.last) return await upload(http, first, pieces, { extractor, options, headers, signal, unfinished })
    const rest = JSON.stringify({ extractor, ...options }).slice(1)
    const sent = http.json(batch, {
      method: 'POST',
      path: '/v1/batches',
      headers,
      body: `{"items":[${first.lines.join(',')}],${rest}`,
      repeat: 'safe',
    })
    return await unlessAborted(http, sent, signal, onAbort)
  } finally {
    await pieces.close()
  }
}

/**
 * Does not abort a request in flight, because then it would be unknown whether it created a batch. The abort rejects at once, and the
 * batch is cancelled as soon as its id is known.
 */
export async function unlessAborted(
  http: Http,
  sent: Promise<Batch>,
  signal: AbortSignal | undefined,
  onAbort: 'cancel' | 'detach',
): Promise<Batch> {
  if (signal === undefined) return sent
  let onSignal = (): void => {}
  const aborted = new Promise<'aborted'>((resolve) => {
    onSignal = () => resolve('aborted')
    signal.addEventListener('abort', onSignal, { once: true })
    if (signal.aborted) onSignal()
  })
  const made = await Promise.race([sent, aborted])
  signal.removeEventListener('abort', onSignal)
  if (made !== 'aborted') return made
  if (onAbort === 'cancel') {
    sent
      .then(({ id }) => http.json(batch, { method: 'POST', path: `/v1/batches/${id}/cancel`, repeat: 'safe' }))
      // The caller no longer waits for it.
      .catch(() => {})
  } else sent.catch(() => {})
  throw signal.reason
}

/** A unique idempotency key. */
export function randomKey(): string {
  // randomUUID exists only on pages that were loaded by https.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
