import { fork } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Message {
  readonly type: string
  readonly value?: unknown
}

/** Another process, controlled by messages. It ends itself when the channel closes. */
export interface ClientProcess extends AsyncDisposable {
  send(type: string): void
  /** The value of the next message of that type. Rejects when the program ends before, or on abort. */
  next(type: string): Promise<unknown>
  onMessage(type: string, listener: (value: unknown) => void): void
}

export function startClient(
  file: URL,
  args: readonly string[],
  env: Record<string, string>,
  { signal }: { signal: AbortSignal },
): ClientProcess {
  const child = fork(fileURLToPath(file), args, { env: { PATH: process.env['PATH'] ?? '', ...env }, execArgv: [] })
  const exited = once(child, 'exit')

  return {
    send: (type) => void child.send({ type } satisfies Message),
    next(type) {
      signal.throwIfAborted()
      return new Promise((resolve, reject) => {
        const ended = () =>
          settle(() => reject(new Error(`${basename(file.pathname)} ended before its message '${type}'.`)))
        const aborted = () => settle(() => reject(signal.reason as Error))
        const onMessage = (message: Message) => {
          if (message.type === type) settle(() => resolve(message.value))
        }
        const settle = (act: () => void) => {
          child.off('exit', ended).off('message', onMessage)
          signal.removeEventListener('abort', aborted)
          act()
        }
        child.on('exit', ended).on('message', onMessage)
        if (child.exitCode !== null || child.signalCode !== null) return ended()
        signal.addEventListener('abort', aborted, { once: true })
      })
    },
    onMessage(type, listener) {
      child.on('message', (message: Message) => {
        if (message.type === type) listener(message.value)
      })
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}
