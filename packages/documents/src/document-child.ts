import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import type { Document, DocumentLimits, DocumentText } from './document-text.ts'
import { readDocument } from './read-document.ts'

export type DocumentRequest = { readonly document: Document; readonly limits: DocumentLimits }
export type DocumentAnswer =
  | { readonly type: 'ready' }
  /** `worn`: the process still uses so much memory after the document that it must not read another one. */
  | { readonly type: 'read'; readonly read: DocumentText; readonly worn: boolean }

const [memoryMb] = process.argv.slice(2).map(Number)
if (memoryMb === undefined || process.send === undefined) throw new Error('This is started by document-process.ts.')
const memoryBytes = memoryMb * 1_048_576

// The entry point of a process that reads documents. It ends with its parent and not before: Ctrl-C reaches all processes of a terminal,
// and the parent still needs the document that is being read while it stops.
process.on('disconnect', () => process.exit())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
// If the machine or the container runs out of memory, Linux must end this process and not its parent.
await writeFile('/proc/self/oom_score_adj', '1000').catch(() => undefined)

const baseBytes = process.memoryUsage.rss()
const guard = new Worker(new URL('document-guard.ts', import.meta.url), {
  workerData: { parentPid: process.ppid, mostBytes: baseBytes + 2 * memoryBytes },
})
await once(guard, 'message')

// A broken document may also cause errors outside the reading itself, such as a rejected promise that nothing awaits. They must not end the
// process: the reading reports its result, or its time ends.
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
