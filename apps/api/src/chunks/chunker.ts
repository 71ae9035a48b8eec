import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { TextPart } from '@sluice/documents/split-text'
import type { ChunkSize } from './chunk-text.ts'

/** Splits texts off the event loop: counting the tokens of a million characters takes about 100 ms, in which nobody else would be served. */
export interface Chunker extends AsyncDisposable {
  split(text: string, size: ChunkSize): Promise<TextPart[]>
}

/** One thread, started with the first text, one text at a time. */
export function createChunker(): Chunker {
  let thread: Worker | undefined
  let last: Promise<unknown> = Promise.resolve()

  async function split(text: string, size: ChunkSize): Promise<TextPart[]> {
    thread ??= new Worker(new URL('chunk-thread.ts', import.meta.url))
    try {
      thread.postMessage({ text, size })
      // Rejects on 'error', which ends the thread.
      const [parts] = (await once(thread, 'message')) as [TextPart[]]
      return parts
    } catch (error) {
      thread = undefined
      throw error
    }
  }

  return {
    split(text, size) {
      const mine = last.then(() => split(text, size))
      last = mine.catch(() => {})
      return mine
    },
    async [Symbol.asyncDispose]() {
      await last
      await thread?.terminate()
    },
  }
}
