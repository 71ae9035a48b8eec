import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import type { Document, DocumentLimits, DocumentText } from './document-text.ts'
import { readDocument } from './read-document.ts'

export type DocumentRequest = { readonly document: Document; readonly limits: DocumentLimits }
export type DocumentAnswer =
  | { readonly type: 'ready' }
  /** `worn`: the memory that the document has left in use would be counted for the next one. */
  | { readonly type: 'read'; readonly read: DocumentText; readonly worn: boolean }

const [memoryMb] = process.argv.slice(2).map(Number)
if (memoryMb === undefined || process.send === undefined) throw new Error('This is started by document-process.ts.')
const memoryBytes = memoryMb * 1_048_576

// It ends with the process that it reads for, and no earlier: Ctrl-C goes to all processes of a terminal, and what is being read
// is still wanted while that one stops.
process.on('disconnect', () => process.exit())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
// Where the machine or the container has no memory left, Linux is to take it from here and not from its parent.
await writeFile('/proc/self/oom_score_adj', '1000').catch(() => undefined)

const baseBytes = process.memoryUsage.rss()
const guard = new Worker(new URL('document-guard.ts', import.meta.url), {
  workerData: { parentPid: process.ppid, mostBytes: baseBytes + 2 * memoryBytes },
})
await once(guard, 'message')

// What a broken document lets fail beside the reading itself, such as a promise that nobody waits for, shall not end the process:
// the reading reports its result, or its time ends.
process.on('unhandledRejection', () => undefined)
process.on('uncaughtException', () => undefined)

process.on('message', (request: DocumentRequest) => void read(request))
answer({ type: 'ready' })

async function read({ document, limits }: DocumentRequest): Promise<void> {
  const text = await readDocument(document, limits)
  answer({ type: 'read', read: text, worn: process.memoryUsage.rss() > baseBytes + memoryBytes / 2 })
}

function answer(message: DocumentAnswer): void {
  process.send?.(message)
}
