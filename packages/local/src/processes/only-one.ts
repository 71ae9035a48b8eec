import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { StartError } from '../start-error.ts'

/**
 * Makes sure that one `start` at a time uses a data directory, until disposed of. A socket that is listened on is the lock,
 * because the operating system lets go of it however the process ends, and no process id can be mistaken for another.
 * `path` is relative to the working directory: a socket's path has at most about 100 characters.
 */
export async function becomeOnlyOne(path: string): Promise<AsyncDisposable> {
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
      throw new StartError('Sluice is already started from this directory. Stop that one first (Ctrl-C where it runs).')
    }
    // Left by one that was killed.
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
