import pLimit from 'p-limit'
import { Piscina } from 'piscina'
import { type Document, type DocumentLimits, type DocumentText, tooLarge, unreadable } from './document-text.ts'

const memoryLookMs = 100
const idleMs = 30_000

export interface DocumentReader extends AsyncDisposable {
  readonly limits: DocumentLimits
  /** Documents read at once; others wait. */
  readonly threads: number
  /** Rejects for no document, only when reading itself is broken. */
  read(document: Document): Promise<DocumentText>
}

/** Reads documents on threads of their own, so that neither a long nor a hostile one holds up this one or ends the process. */
export function createDocumentReader(limits: DocumentLimits, { threads }: { threads: number }): DocumentReader {
  const pool = new Piscina({
    filename: new URL('document-thread.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: idleMs,
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb },
  })
  // A document's time begins when a thread is free for it, so none waits within the pool.
  const whenFree = pLimit(threads)
  let reading = 0
  let watching: NodeJS.Timeout | undefined

  async function run(document: Document): Promise<DocumentText> {
    const signal = AbortSignal.timeout(limits.timeMs)
    reading += 1
    watching ??= setInterval(() => void endGreedyThreads(), memoryLookMs)
    try {
      return (await pool.run({ document, limits }, { signal, transferList: [document.bytes.buffer] })) as DocumentText
    } catch (error) {
      if (signal.aborted) return unreadable(`The document could not be read within ${limits.timeMs / 1_000} s.`)
      if (isThreadGone(error)) return unreadable('Reading the document takes more memory than it may.')
      throw error
    } finally {
      reading -= 1
      if (reading === 0) {
        clearInterval(watching)
        watching = undefined
      }
    }
  }

  /** V8 holds a thread to its limit for objects, but not for the buffers beside them: a hostile PDF unpacks a thousandfold. */
  async function endGreedyThreads(): Promise<void> {
    for (const thread of pool.threads) {
      // A thread that has ended in between tells nothing.
      const statistics = await thread.getHeapStatistics().catch(() => null)
      if ((statistics?.external_memory ?? 0) > limits.memoryMb * 1_048_576) await thread.terminate()
    }
  }

  return {
    limits,
    threads,
    async read(document) {
      if (document.bytes.byteLength > limits.bytes) {
        return tooLarge(`The document is larger than ${Math.floor(limits.bytes / 1_048_576)} MB.`)
      }
      return whenFree(run, document)
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

function isThreadGone(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_WORKER_OUT_OF_MEMORY' || message.startsWith('worker exited')
}
