import { invalidRequest } from '@sluice/contract/error'
import type { IncomingMessage } from 'node:http'
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

function problemOf(req: Request): { header: string; message: string } | null {
  const { rawHeaders, headers, httpVersion, httpVersionMinor } = req
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return { header: 'host', message: `HTTP/${httpVersion} is not supported: send HTTP/1.1.` }
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts > 1) return { header: 'host', message: 'The request has more than one Host header: send one.' }
  if (hosts === 0 && httpVersionMinor > 0)
    return { header: 'host', message: 'The request has no Host header: HTTP/1.1 needs one.' }
  if (!isOwnTarget(req.url, headers.host ?? ''))
    return { header: 'host', message: 'The URL of the request and its Host header name different hosts: send a path.' }
  const { 'transfer-encoding': coding, expect } = headers
  if (coding !== undefined && httpVersionMinor === 0)
    return { header: 'transfer-encoding', message: 'transfer-encoding: HTTP/1.0 has none. Send a content-length.' }
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    const message = 'transfer-encoding: Only `chunked` is supported. To send a packed body, use content-encoding: gzip.'
    return { header: 'transfer-encoding', message }
  }
  if (expect !== undefined && expect.trim().toLowerCase() !== '100-continue')
    return { header: 'expect', message: 'expect: Only `100-continue` is supported.' }
  return null
}

/** A path, as clients send it, or a whole URL of the host that the Host header names, as proxies may send it. */
function isOwnTarget(target: string, host: string): boolean {
  if (target.startsWith('/') || target === '*') return true
  const url = URL.parse(target)
  const own = URL.parse(`http://${host}`)
  if (url === null || own === null || url.username !== '' || url.password !== '') return false
  return /^https?:$/.test(url.protocol) && url.hostname === own.hostname
}

/** The client waits for a word before it sends the body. HTTP/1.0 does not know that word. */
export function isContinue({ headers, httpVersionMinor }: IncomingMessage): boolean {
  return headers.expect?.trim().toLowerCase() === '100-continue' && httpVersionMinor > 0
}
