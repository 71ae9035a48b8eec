import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const endsOfSocket = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls `end` once, when the answer is complete or its client has left. The event `close` of the response is not enough: if a client
 * sends several requests at once and leaves, Node closes only the response whose turn it is.
 */
export function whenOver({ socket }: IncomingMessage, res: ServerResponse, end: () => void): void {
  // A client that left before this line sends no further event.
  if (socket.destroyed || res.closed) return end()
  const ends = endsOf(socket)
  const once = () => {
    if (ends.delete(once)) end()
  }
  ends.add(once)
  res.once('close', once)
}

/** One listener for each socket, however many requests it has. */
function endsOf(socket: Socket): Set<() => void> {
  const known = endsOfSocket.get(socket)
  if (known !== undefined) return known
  const ends = new Set<() => void>()
  endsOfSocket.set(socket, ends)
  socket.once('close', () => {
    for (const end of ends) end()
  })
  return ends
}
