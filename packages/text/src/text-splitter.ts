import { Piscina } from 'piscina'

export interface TextLimits {
  readonly mostTokens: number
  readonly overlapTokens: number
}

export interface TextSplitter extends AsyncDisposable {
  /** Where the parts of `splitText` stand, tokens counted as @sluice/tokens does. */
  split(text: string, limits: TextLimits): Promise<readonly { readonly start: number; readonly end: number }[]>
}

const idleMs = 30_000

/**
 * A thread at its limit would end the whole process. No text of 4 million characters, the longest there may be, takes more than 256 MB;
 * told here, as by itself it depends on the machine's or the container's memory.
 */
const heapMb = 512

/** Splits on a thread: the longest text there may be takes a second, and one that is a single word ten. */
export function createTextSplitter(): TextSplitter {
  const pool = new Piscina({
    filename: new URL('split-thread.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: idleMs,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  return {
    split: (text, limits) => pool.run({ text, limits }) as ReturnType<TextSplitter['split']>,
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}
