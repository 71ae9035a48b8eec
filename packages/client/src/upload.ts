import { batch, type Batch } from '@sluice/contract/batch'
import { z } from 'zod'
import { backOffMs, sleep } from './back-off.ts'
import { ApiError, ConflictError, ConnectionError, isPassing } from './errors.ts'
import type { Http } from './http.ts'
import type { Piece, Pieces } from './items.ts'
import type { BatchOptions } from './options.ts'

/** A server that was restarted, or another one, reads again what is there before it adds to it, so pieces grow: few requests for many items, little held for few. */
const firstCharacters = 1_000_000
const mostCharacters = 8_000_000

interface UploadOptions {
  readonly extractor: string | object
  readonly options: BatchOptions
  /** With the idempotency key: an upload that was begun under it goes on. */
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
  /** What becomes of an upload that cannot be finished: it is kept for a day, to go on under its key, or removed. */
  readonly unfinished: 'keep' | 'remove'
}

/** Fills a batch piece by piece, each held until it is on disk, and begins it. `first` was read already. */
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
  // Submitted before under this key, to the end.
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

  /** Sends what the server has not of a piece; resolves to the batch as it is then. A break is no failure as long as it gets on. */
  async function append({ from, lines }: Piece, total: number): Promise<Batch> {
    if (total < from)
      throw new ConnectionError(`The upload of ${id} lost items: it has ${total}, and had ${from}. Submit them anew.`)
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
        const elsewhere =
          error instanceof ApiError && (error.code === 'upload_position' || error.code === 'batch_sealed')
        if (!elsewhere && !isPassing(error)) throw error
        if (performance.now() - beganMs > http.patienceMs) throw error
        // What had arrived of a request that broke is still being staged: it is looked at again until it stays.
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
      // Aborted when it had just begun.
      if (error instanceof ConflictError)
        await http.json(batch, { method: 'POST', path: `${path}/cancel`, repeat: 'safe' }).catch(() => {})
    }
  }
}
