import type { IncomingMessage } from 'node:http'
import type { Request, Response } from 'express'
import type { Memory, MemoryShare } from './memory.ts'

/** What every reader of a request's body has to keep to. */
export interface Bounds {
  readonly memory: MemoryShare
  /** Aborts when the sender has left, or has its answer: work for it is of no use any more. */
  readonly gone: AbortSignal
}

const boundsOfRequest = new WeakMap<IncomingMessage, Bounds>()

export function openBounds(req: Request, res: Response, memory: Memory): void {
  const abort = new AbortController()
  const share = memory.open()
  boundsOfRequest.set(req, { memory: share, gone: abort.signal })
  res.once('close', () => {
    share.close()
    abort.abort()
  })
}

export function boundsOf(req: Request): Bounds {
  const bounds = boundsOfRequest.get(req)
  if (bounds === undefined) throw new Error('A request reached its handler without passing the gate.')
  return bounds
}
