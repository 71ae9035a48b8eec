import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

/** Handlers begin for so long in one round of the event loop. */
const sliceMs = 8

interface Arrival {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/**
 * Lets hundreds of requests that arrive in one round of the event loop begin in slices. The clients take turns meanwhile, so
 * that the request of one client does not wait for all requests of another. In normal work nothing waits here.
 */
export function createArrivals(handle: RequestListener): RequestListener {
  /** By client; each client has at least one. The first client has the next turn. */
  const waiting = new Map<string, Arrival[]>()
  let sliceEndsAt = 0
  let scheduled = false

  return (req, res) => {
    if (waiting.size === 0 && isInSlice()) return handle(req, res)
    const client = clientOf(req)
    const queue = waiting.get(client)
    if (queue === undefined) waiting.set(client, [{ req, res }])
    else queue.push({ req, res })
    schedule()
  }

  /** A slice begins with the first request of a round. */
  function isInSlice(): boolean {
    const now = performance.now()
    if (!scheduled) {
      sliceEndsAt = now + sliceMs
      schedule()
    }
    return now < sliceEndsAt
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(beginRound)
  }

  function beginRound(): void {
    scheduled = false
    sliceEndsAt = performance.now() + sliceMs
    while (waiting.size > 0 && performance.now() < sliceEndsAt) {
      const [client, queue] = waiting.entries().next().value!
      const { req, res } = queue.shift()!
      // To the end: the other clients come first.
      waiting.delete(client)
      if (queue.length > 0) waiting.set(client, queue)
      // Its client may have left meanwhile.
      if (!req.socket.destroyed) handle(req, res)
    }
    if (waiting.size > 0) schedule()
  }
}

function clientOf({ headers, socket }: IncomingMessage): string {
  return `${socket.remoteAddress ?? ''} ${headers.authorization ?? headers.cookie ?? ''}`
}
