import { batch, type Batch } from '@sluice/contract/batch'
import { z } from 'zod'
import { backOffMs, sleep } from './back-off.ts'
import { ApiError, ConflictError, ConnectionError, isPassing } from './errors.ts'
import type { Http } from './http.ts'
import type { Piece, Pieces } from './items.ts'
import type { BatchOptions } from './options.ts'

/** A server that did not handle the request before reads all earlier items of the upload. So pieces grow: few requests for many items, little memory for few. */
const firstCharacters = 1_000_000
const mostCharacters = 8_000_000

interface UploadOptions {
  readonly extractor: string | object
  readonly options: BatchOptions
  /** With the idempotency key: an upload that was started under it continues. */
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
  /** What to do with an upload that cannot be finished: keep it for a day, to continue under its key, or remove it. */
  readonly unfinished: 'keep' | 'remove'
}

/** Fills a batch piece by piece and starts it. Each piece is held until it is on disk. `first` was read before. */
export async function upload(
  http: Http,
  first: Piece,
  pieces: Pieces,
  { extractor, options, headers, signal, unfinished }: UploadOptions,
): Promise<Batch> {
  const opened = await http.json(batch, {
    method: 'POST',
    path: '/v1/batches/uploads',
    headers,
    body: JSON.stringify({ extractor, ...options }),
    signal,
    repeat: 'safe',
  })
  const { id } = opened
  // It was completely submitted before, under the same key.
  if (opened.status !== 'uploading') return opened

  try {
    let { total } = opened.counts
    let characters = firstCharacters
    for (let piece = first; ;) {
      const end = piece.from + piece.lines.length
      while (total < end) {
        const state = await append(piece, total)
        if (state.status !== 'uploading') return state
        total = state.counts.total
      }
      if (piece.last) break
      piece = await pieces.next({ items: Number.POSITIVE_INFINITY, characters })
      characters = Math.min(mostCharacters, characters * 2)
    }
    return await http.json(batch, { method: 'POST', path: `/v1/batches/${id}/seal`, signal, repeat: 'safe' })
  } catch (error) {
    if (unfinished === 'remove') await remove()
    throw error
  }

  /** Sends the items of a piece that the server does not have; resolves to the batch afterwards. Retries a broken request as long as it makes progress. */
  async function append({ from, lines }: Piece, total: number): Promise<Batch> {
    if (total < from)
      throw new ConnectionError(`The upload of ${id} lost items: it has ${total}, and had ${from}. Submit them again.`)
    const beganMs = performance.now()
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await http.json(batch, {
          method: 'POST',
          path: `/v1/batches/${id}/items?from=${total}`,
          headers: { 'content-type': 'application/x-ndjson' },
          body: lines.slice(total - from).join('\n'),
          signal,
          repeat: 'never',
        })
      } catch (error) {
        const isOutOfStep =
          error instanceof ApiError && (error.code === 'upload_position' || error.code === 'batch_sealed')
        if (!isOutOfStep && !isPassing(error)) throw error
        if (performance.now() - beganMs > http.patienceMs) throw error
        // The server may still be staging items of the broken request: read the batch until its total is stable.
        await sleep(backOffMs(Math.min(attempt, 4)), signal)
        const state = await http.json(batch, { method: 'GET', path: `/v1/batches/${id}`, signal, repeat: 'safe' })
        if (state.status !== 'uploading' || state.counts.total !== total) return state
      }
    }
  }

  async function remove(): Promise<void> {
    const path = `/v1/batches/${id}`
    try {
      await http.json(z.unknown(), { method: 'DELETE', path, repeat: 'never' })
    } catch (error) {
      // The upload was aborted when the batch had just started.
      if (error instanceof ConflictError)
        await http.json(batch, { method: 'POST', path: `${path}/cancel`, repeat: 'safe' }).catch(() => {})
    }
  }
}
