import type { TextPart } from './split-text.ts'
import { Piscina } from 'piscina'
import type { ChunkSize } from './chunk-text.ts'

const idleMs = 30_000

/** Splits texts off the event loop: counting the tokens of a million characters takes about 100 ms, in which nobody else would be served. */
export interface Chunker extends AsyncDisposable {
  split(text: string, size: ChunkSize): Promise<TextPart[]>
}

/** On one thread, one text at a time. */
export function createChunker(): Chunker {
  const pool = new Piscina({
    filename: new URL('chunk-thread.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: idleMs,
  })
  return {
    split: (text, size) => pool.run({ text, size }) as Promise<TextPart[]>,
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}
