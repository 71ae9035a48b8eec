import { invalidRequest } from '@sluice/contract/error'
import type { Request, Response } from 'express'
import { endConnection } from './connections.ts'

/**
 * Refuses requests that a proxy in front of this server may read in another way than this server does: it could then take the
 * body of one request for the next request (request smuggling), or another host for the one that was asked. Node refuses the others.
 */
export function refuseAmbiguousFraming(req: Request, res: Response): void {
  const problem = problemOf(req)
  if (problem === null) return
  endConnection(req, res)
  throw invalidRequest('invalid_request', problem.message, problem.header)
}

function problemOf({ rawHeaders, headers, httpVersionMinor }: Request): { header: string; message: string } | null {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts > 1) return { header: 'host', message: 'The request has more than one Host header: send one.' }
  if (hosts === 0 && httpVersionMinor > 0)
    return { header: 'host', message: 'The request has no Host header: HTTP/1.1 needs one.' }
  const { 'transfer-encoding': coding, expect } = headers
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    const message = 'transfer-encoding: Only `chunked` is supported. To send a packed body, use content-encoding: gzip.'
    return { header: 'transfer-encoding', message }
  }
  if (expect !== undefined && !isContinue(expect))
    return { header: 'expect', message: 'expect: Only `100-continue` is supported.' }
  return null
}

/** The client waits for a word before it sends the body. */
export function isContinue(expect: string | undefined): boolean {
  return expect?.trim().toLowerCase() === '100-continue'
}
