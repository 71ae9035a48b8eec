import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { SluiceError } from '@sluice/contract/error'
import type { Express } from 'express'
import { createArrivals } from '../gate/arrivals.ts'
import { createConnections, isEnding } from '../gate/connections.ts'
import { limits } from '../gate/limits.ts'

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
  const connections = createConnections()
  const begin = createArrivals(app)
  const handle: RequestListener = (req, res) => {
    if (connections.begin(req, res)) begin(req, res)
  }
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: Math.min(5_000, limits.headersMs / 2),
      // A slow upload of a million items is no attack: gate/body.ts refuses bodies that stop or drip.
      requestTimeout: 0,
      // gate/framing.ts answers in the one error shape.
      requireHostHeader: false,
    },
    handle,
  )
  server.on('connection', (socket) => connections.add(socket))
  // A client that waits before it sends its body is asked for it when the body is read: after its key was checked.
  server.on('checkContinue', handle)
  server.on('checkExpectation', handle)
  server.on('clientError', answerUnreadable)
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

/** Bytes that Node cannot read as a request do not reach the app: they are answered here in the same shape, and the connection is closed. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Its one answer is on its way.
  if (isEnding(socket as Socket)) return
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, code, message] = unreadable(error.code)
  const body = JSON.stringify(new SluiceError('invalid_request_error', code, message).toBody())
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function unreadable(code: string | undefined): readonly [status: string, code: string, message: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [
        '431 Request Header Fields Too Large',
        'too_large',
        `URL and headers are larger than ${limits.headerBytes / 1_024} KB together.`,
      ]
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', 'request_timeout', 'The headers did not arrive in time.']
    case undefined:
    default:
      return ['400 Bad Request', 'invalid_request', 'This is not a valid HTTP request.']
  }
}
