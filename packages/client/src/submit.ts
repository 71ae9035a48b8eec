import { batch, type Batch } from '@sluice/contract/batch'
import type { Http } from './http.ts'
import { createPieces } from './items.ts'
import type { BatchOptions, ExtractorOptions, SubmitOptions, Texts } from './options.ts'
import { randomKey } from './random-key.ts'
import { anyValue, type Check, type JsonSchema, readSchema, type Schema } from './schema.ts'
import { upload } from './upload.ts'

/** What fits goes in one request: one round trip to the first call. */
const oneRequest = { items: 5_000, characters: 500_000 }

/** An extractor as a request names it or brings it along, and the check of its values here. */
export interface Extraction {
  readonly extractor: string | { readonly schema: JsonSchema }
  readonly options: BatchOptions
  readonly check: Check
}

/** Sorts what a caller gives into what goes to the server and what stays. Throws a TypeError when there is neither schema nor extractor. */
export function readExtraction(options: ExtractorOptions<Schema> & BatchOptions): Extraction {
  const { concurrency, priority, max_cost_usd, deadlines, metadata } = options
  const read = options.schema === undefined ? undefined : readSchema(options.schema)
  const common = {
    options: defined({ concurrency, priority, max_cost_usd, deadlines, metadata }),
    check: read?.check ?? anyValue,
  }
  if (options.extractor !== undefined) return { extractor: options.extractor, ...common }
  if (read === undefined) throw new TypeError('schema: Give a schema, or name an extractor that the server has.')
  const { instructions, lane, parameters, reasks } = options
  return { extractor: { schema: read.json, ...defined({ instructions, lane, parameters, reasks }) }, ...common }
}

/** Resolves when the batch is on disk; to null when there is no text at all. */
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
 * A request that is under way is not cut, because nobody would know whether it made a batch: the caller is told of the abort at once,
 * and what was made is cancelled when it is known.
 */
async function unlessAborted(
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
      // Nobody waits for it any more.
      .catch(() => {})
  } else sent.catch(() => {})
  throw signal.reason
}

function defined<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>
  }
}
