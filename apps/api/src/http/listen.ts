import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Express } from 'express'

export interface Listening {
  readonly url: string
  /** Accepts no more requests, lets current ones finish for `graceMs`, then closes their connections. Safe to call twice. */
  stop(graceMs: number): Promise<void>
}

/** A message for the user, not a bug: the address is not available. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/** `port` 0 takes any free one. Throws a ListenError with one line. */
export async function listen(app: Express, { host, port }: { host: string; port: number }): Promise<Listening> {
  const server = createServer(app)
  // A slow upload of a million items is legitimate, but Node aborts requests after 5 minutes by default.
  server.requestTimeout = 0
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new ListenError(`Port ${port} of ${host} is in use: set PORT to another one.`, { cause: error })
    if (code === 'EACCES')
      throw new ListenError(`Port ${port} needs more privileges: set PORT to 1024 or above.`, {
        cause: error,
      })
    throw new ListenError(`Cannot listen on ${host}:${port}: ${message}`, { cause: error })
  }
  const address = server.address() as AddressInfo
  const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address

  return {
    url: `http://${shown}:${address.port}`,
    async stop(graceMs) {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      server.closeIdleConnections()
      const timer = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearTimeout(timer)
    },
  }
}
