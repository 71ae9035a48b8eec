import { type ChildProcess, fork } from 'node:child_process'
import { ProcessEndedError } from '@sluice/contract/extract-function'
import type { Call } from '@sluice/contract/outcome'
import type { IsolatedAnswer, IsolatedRequest } from './isolated-child.ts'

const startMs = 30_000
/** V8 ends a process whose heap is larger; what the machine has left is for the workers. */
const memoryMb = 512

/** A process that makes one call after the other, until one ends it. */
export interface IsolatedProcess {
  readonly hasEnded: boolean
  /** Null when it ended before it took the call. Rejects with a ProcessEndedError when the call ends the process or does not end in time, and with the signal's reason when it aborts. */
  call(
    request: IsolatedRequest,
    options: { readonly signal: AbortSignal; readonly limitMs: number },
  ): Promise<Call | null>
  end(): Promise<void>
}

export function startIsolatedProcess(): IsolatedProcess {
  const child = fork(new URL('isolated-child.ts', import.meta.url), {
    execArgv: [`--max-old-space-size=${memoryMb}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  let hasEnded = false
  let hasTaken = false
  child.on('message', ({ type }: IsolatedAnswer) => {
    if (type === 'taken') hasTaken = true
  })
  const gone = new Promise<string>((resolve) => {
    const settle = (how: string) => {
      hasEnded = true
      resolve(how)
    }
    child.once('exit', (code, signal) => settle(signal ?? `exit code ${code}`))
    child.on('error', (error) => {
      // Without a pid it was not started; otherwise a message did not arrive, and the process is of no use.
      if (child.pid === undefined) settle(error.message)
      else child.kill('SIGKILL')
    })
  })
  const started = answerOf(child, gone, AbortSignal.timeout(startMs))

  async function end(): Promise<void> {
    hasEnded = true
    child.kill('SIGKILL')
    await gone
  }

  return {
    get hasEnded() {
      return hasEnded
    },
    end,
    async call(request, { signal, limitMs }) {
      // A process that does not start is not the item's fault, so this is no ProcessEndedError.
      if ((await started).type !== 'ready') {
        await end()
        throw new Error('The process for a suspect item did not start.')
      }
      signal.throwIfAborted()
      hasTaken = false
      // One that has ended is seen below.
      child.send(request, () => {})
      const late = AbortSignal.timeout(limitMs)
      const answer = await answerOf(child, gone, AbortSignal.any([signal, late]))
      if (answer.type === 'called') return answer.call
      if (answer.type === 'threw') throw new Error(`A call ended in ${answer.name}.`)
      await end()
      if (signal.aborted) throw signal.reason
      if (answer.type === 'gone' && !hasTaken) return null
      const how = answer.type === 'gone' ? `ended with ${answer.how}` : `did not answer within ${limitMs / 1_000} s`
      throw new ProcessEndedError(
        `This item ends the process that works on it: two workers ended while they held it, then a separate process ${how}. Check its text, and the code of the extractor if it has any.`,
      )
    },
  }
}

type Ended = { readonly type: 'gone'; readonly how: string } | { readonly type: 'aborted' }

/** The next message, or why there is none. */
async function answerOf(
  child: ChildProcess,
  gone: Promise<string>,
  signal: AbortSignal,
): Promise<IsolatedAnswer | Ended> {
  const { promise, resolve } = Promise.withResolvers<IsolatedAnswer | Ended>()
  const abort = () => resolve({ type: 'aborted' })
  const take = (message: IsolatedAnswer) => message.type !== 'taken' && resolve(message)
  child.on('message', take)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([promise, gone.then((how) => ({ type: 'gone', how }) as const)])
  } finally {
    child.off('message', take)
    signal.removeEventListener('abort', abort)
  }
}
