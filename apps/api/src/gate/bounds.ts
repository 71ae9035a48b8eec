import type { IncomingMessage } from 'node:http'
import type { Request, Response } from 'express'
import { isContinue } from './framing.ts'
import type { Memory, MemoryShare } from './memory.ts'
import { whenOver } from './when-over.ts'

/** How long this process waits for the other side, in ms. */
export interface Patience {
  /** For the next bytes of a body. */
  readonly bodyIdleMs: number
  /** For a reader to take what was written. */
  readonly readerStallMs: number
}

/** What everybody who reads a request's body, or writes its answer, must keep to. */
export interface Bounds extends Patience {
  readonly memory: MemoryShare
  /** Aborts when the sender has left, or has its answer: further work is useless. */
  readonly gone: AbortSignal
  /** Asks a client that waits for it (`Expect: 100-continue`) to send the body. */
  readonly askForBody: () => void
}

const boundsOfRequest = new WeakMap<IncomingMessage, Bounds>()

export function openBounds(req: Request, res: Response, memory: Memory, patience: Patience): void {
  const abort = new AbortController()
  const share = memory.open()
  let asked = !isContinue(req)
  boundsOfRequest.set(req, {
    ...patience,
    memory: share,
    gone: abort.signal,
    askForBody() {
      if (!asked) res.writeContinue()
      asked = true
    },
  })
  whenOver(req, res, () => {
    share.close()
    abort.abort()
  })
}

export function boundsOf(req: Request): Bounds {
  const bounds = boundsOfRequest.get(req)
  if (bounds === undefined) throw new Error('A request reached its handler without passing the gate.')
  return bounds
}
