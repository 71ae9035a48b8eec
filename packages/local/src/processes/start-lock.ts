import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { StartError } from '../start-error.ts'

/**
 * Makes sure that only one `start` at a time uses a data directory, until it is disposed of. The lock is a listening socket: the
 * operating system closes it whatever ends the process, and process ids, which are reused, do not matter.
 * `path` is relative to the working directory: a socket's path may have at most about 100 characters.
 */
export async function lockStart(path: string): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.end())
  const listen = async (): Promise<void> => {
    server.listen(path)
    await once(server, 'listening')
  }
  try {
    await listen()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    if (await answers(path)) {
      throw new StartError('Sluice is already running from this directory. Stop it first (Ctrl-C in its terminal).')
    }
    // A start that was killed has left the file.
    await rm(path, { force: true })
    await listen()
  }
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
