import { randomUUID } from 'node:crypto'
import type { RequestHandler } from 'express'
import type { Logger } from 'pino'
import { whenOver } from '../gate/when-over.ts'

const validId = /^[A-Za-z0-9._-]{1,128}$/

/** Gives every request an id (the caller's, if it is valid) and logs its end; never a body, a query or a key. */
export function createRequestLog(log: Logger): RequestHandler {
  return (req, res, next) => {
    const given = req.headers['x-request-id']
    const requestId = typeof given === 'string' && validId.test(given) ? given : randomUUID()
    res.locals.requestId = requestId
    res.set('x-request-id', requestId)
    // Routers change `req.path` while they handle the request.
    const { path } = req
    const began = performance.now()
    whenOver(req, res, () => {
      const fields = {
        request_id: requestId,
        method: req.method,
        path,
        status: res.statusCode,
        ms: Math.round(performance.now() - began),
        ...(res.writableFinished ? {} : { left: true }),
      }
      if (res.statusCode >= 500) log.warn(fields, 'request')
      // Probes and the board's polling, every few seconds, would hide everything else.
      else if (path.startsWith('/queues') || path.endsWith('z')) log.debug(fields, 'request')
      else log.info(fields, 'request')
    })
    next()
  }
}
