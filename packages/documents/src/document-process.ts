import { fork } from 'node:child_process'
import type { DocumentAnswer, DocumentRequest } from './document-child.ts'
import { type DocumentText, unreadable } from './document-text.ts'

const startMs = 30_000

type Gone = { readonly type: 'gone'; readonly how: string }

/** A process that reads one document after the other, until `ended`. */
export interface DocumentProcess {
  readonly ended: boolean
  /** Rejects only if `end` was called, or if the process does not start. */
  read(request: DocumentRequest): Promise<DocumentText>
  /** Resolves when the process is gone. */
  end(): Promise<void>
}

/**
 * Starts a process that only reads documents: a heap that reaches its limit aborts the whole process, also if it is the heap of a thread
 * with `resourceLimits`.
 */
export function startDocumentProcess(memoryMb: number): DocumentProcess {
  const child = fork(new URL('document-child.ts', import.meta.url), [String(memoryMb)], {
    execArgv: [`--max-old-space-size=${memoryMb}`],
    // The process that reads a document gets no keys.
    env: {},
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  let ended = false
  let closed = false
  const gone = new Promise<Gone>((resolve) => {
    const settle = (how: string) => {
      ended = true
      resolve({ type: 'gone', how })
    }
    child.once('exit', (code, signal) => settle(signal ?? `code ${code}`))
    child.on('error', (error) => {
      // Without a pid it was not started; otherwise a message did not arrive, and the process is of no use.
      if (child.pid === undefined) settle(error.message)
      else child.kill('SIGKILL')
    })
  })
  const started = next(startMs)

  /** The next answer of the process, or that it has ended, or that the time is over. */
  async function next(timeMs: number): Promise<DocumentAnswer | Gone | { readonly type: 'late' }> {
    const { promise, resolve } = Promise.withResolvers<DocumentAnswer | { readonly type: 'late' }>()
    const timer = setTimeout(() => resolve({ type: 'late' }), timeMs)
    child.once('message', resolve)
    try {
      return await Promise.race([promise, gone])
    } finally {
      clearTimeout(timer)
      child.off('message', resolve)
    }
  }

  async function kill(): Promise<void> {
    ended = true
    child.kill('SIGKILL')
    await gone
  }

  function refuseWhenClosed(): void {
    if (closed) throw new Error('The reading of documents was terminated.')
  }

  return {
    get ended() {
      return ended
    },
    async end() {
      closed = true
      await kill()
    },
    async read(request) {
      const start = await started
      refuseWhenClosed()
      if (start.type !== 'ready') {
        await kill()
        const why = start.type === 'gone' ? start.how : `no answer within ${startMs / 1_000} s`
        throw new Error(`The process that reads documents did not start: ${why}`)
      }
      // The document's time begins when the process is ready.
      child.send(request)
      const answer = await next(request.limits.timeMs)
      refuseWhenClosed()
      switch (answer.type) {
        case 'read':
          if (answer.worn) await kill()
          return answer.read
        case 'gone':
          return unreadable(messageOfEnd(answer.how))
        case 'late':
          await kill()
          return unreadable(`The document could not be read within ${request.limits.timeMs / 1_000} s.`)
        case 'ready':
          throw new Error('The process that reads documents answered before it was asked.')
        default:
          return answer satisfies never
      }
    },
  }
}

/** V8 aborts when its heap is full; the guard or the system kills the process when other memory is exhausted. */
const endsOfMemory: readonly string[] = ['SIGABRT', 'SIGKILL', 'SIGTRAP', 'code 134']

function messageOfEnd(how: string): string {
  if (endsOfMemory.includes(how)) return 'Reading the document takes more memory than it may.'
  return `The document ended the process that read it (${how}).`
}
