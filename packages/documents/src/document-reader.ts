import pLimit from 'p-limit'
import { type DocumentProcess, startDocumentProcess } from './document-process.ts'
import { type Document, type DocumentLimits, type DocumentText, tooLarge } from './document-text.ts'

const idleMs = 30_000

export interface DocumentReader extends AsyncDisposable {
  readonly limits: DocumentLimits
  /** Documents read at once; others wait. */
  readonly processes: number
  /** Never rejects because of a document, only if no process can be started or the reader is closed. */
  read(document: Document): Promise<DocumentText>
}

/** Reads documents in separate processes, so that neither a long nor a hostile one delays or ends this one. */
export function createDocumentReader(limits: DocumentLimits, { processes }: { processes: number }): DocumentReader {
  // Documents wait here for a free process, because a document's time begins when its process gets it.
  const whenFree = pLimit(processes)
  const reading = new Set<DocumentProcess>()
  /** The process that was used last is at the end, and is taken first. */
  const idle: { readonly process: DocumentProcess; readonly ending: NodeJS.Timeout }[] = []
  let closed = false

  async function run(document: Document): Promise<DocumentText> {
    if (closed) throw new Error('The reading of documents was terminated.')
    const process = take()
    reading.add(process)
    try {
      return await process.read({ document, limits })
    } finally {
      reading.delete(process)
      if (!process.ended) putBack(process)
    }
  }

  function take(): DocumentProcess {
    for (let free = idle.pop(); free !== undefined; free = idle.pop()) {
      clearTimeout(free.ending)
      if (!free.process.ended) return free.process
    }
    return startDocumentProcess(limits.memoryMb)
  }

  function putBack(process: DocumentProcess): void {
    const entry = {
      process,
      ending: setTimeout(() => {
        idle.splice(idle.indexOf(entry), 1)
        void process.end()
      }, idleMs),
    }
    idle.push(entry)
  }

  return {
    limits,
    processes,
    async read(document) {
      if (document.bytes.byteLength > limits.bytes) {
        return tooLarge(`The document is larger than ${Math.floor(limits.bytes / 1_048_576)} MB.`)
      }
      return whenFree(run, document)
    },
    async [Symbol.asyncDispose]() {
      closed = true
      const idleProcesses = idle.splice(0).map(({ process, ending }) => {
        clearTimeout(ending)
        return process
      })
      await Promise.all([...idleProcesses, ...reading].map((process) => process.end()))
    },
  }
}
