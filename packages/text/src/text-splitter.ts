import { Piscina } from 'piscina'
import type splitOnThread from './split-by-size.ts'
import type { PartSize } from './split-by-size.ts'
import type { TextPart } from './split-text.ts'

export interface TextSplitter extends AsyncDisposable {
  /** Rejects with a RangeError for a size that is not valid. */
  split(text: string, size: PartSize): Promise<TextPart[]>
}

const idleMs = 30_000

/**
 * A thread that reaches its limit ends the whole process. No text of 4 million characters, the longest that is accepted, needs more
 * than 256 MB. Without a limit here, the machine's or the container's memory would decide.
 */
const heapMb = 512

/**
 * Splits texts on one thread, one at a time, so that the event loop stays free: a million characters take about 100 ms, the longest
 * text that is accepted a second, and one that is a single word ten.
 */
export function createTextSplitter(): TextSplitter {
  const pool = new Piscina({
    filename: new URL('split-by-size.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: idleMs,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  return {
    async split(text, size) {
      const parts = (await pool.run({ text, size })) as ReturnType<typeof splitOnThread>
      return parts.map(({ start, end, tokens }) => ({ text: text.slice(start, end), start, end, tokens }))
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}
