import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { limits } from './limits.ts'
import { whenOver } from './when-over.ts'

/** Sockets whose requests were admitted and are not finished, with the number of these requests. */
const inUse = new WeakMap<Socket, number>()

/** Keeps the connection of a request that was admitted, until its answer ends: it is not closed in favour of others. */
export function keepConnection(req: IncomingMessage, res: ServerResponse): void {
  const { socket } = req
  inUse.set(socket, (inUse.get(socket) ?? 0) + 1)
  whenOver(req, res, () => inUse.set(socket, (inUse.get(socket) ?? 1) - 1))
}

const ending = new WeakSet<Socket>()

/** The answer to this request is the last one of its connection: what was sent after it is not read as a request. */
export function endConnection({ socket }: IncomingMessage, res: ServerResponse): void {
  ending.add(socket)
  res.setHeader('connection', 'close')
}

export function isEnding(socket: Socket): boolean {
  return ending.has(socket)
}

export interface Connections {
  /** A new connection. Where there are too many, the one that has waited longest without a request is closed. */
  add(socket: Socket): void
  /** False: nothing may be done for this request, because its connection is closed; also for too many requests without an answer. */
  begin(req: IncomingMessage, res: ServerResponse): boolean
}

/**
 * Bounds the connections, and the requests of each. Without a key anybody can open connections and send nothing, so a full process
 * closes one of those instead of refusing the next client. Clients that send many requests before they read one answer
 * (pipelining) would have all of them served in one turn of the event loop: they are disconnected.
 */
export function createConnections({
  most = limits.connections,
  mostPipelined = limits.pipelined,
}: { most?: number; mostPipelined?: number } = {}): Connections {
  /** In the order of their last use, with the requests that have no answer yet. */
  const open = new Map<Socket, number>()

  return {
    add(socket) {
      open.set(socket, 0)
      socket.once('close', () => open.delete(socket))
      if (open.size <= most) return
      for (const other of open.keys()) {
        if ((inUse.get(other) ?? 0) > 0) continue
        open.delete(other)
        other.destroy()
        return
      }
    },

    begin(req, res) {
      const { socket } = req
      const unanswered = open.get(socket)
      // Node still reads what had arrived before the connection was closed.
      if (unanswered === undefined || socket.destroyed || ending.has(socket)) return false
      if (unanswered >= mostPipelined) {
        open.delete(socket)
        socket.destroy()
        return false
      }
      open.set(socket, unanswered + 1)
      whenOver(req, res, () => {
        const now = open.get(socket)
        if (now === undefined) return
        // At the end: it was used just now.
        open.delete(socket)
        open.set(socket, now - 1)
      })
      return true
    },
  }
}
