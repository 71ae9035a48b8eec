import { SluiceError } from '@sluice/contract/error'
import type { ErrorRequestHandler } from 'express'
import type { Logger } from 'pino'

/** The only place that turns an error into an answer. A bug is logged with its stack; the answer has only the request id. */
export function createErrorHandler(log: Logger): ErrorRequestHandler {
  return (error, _req, res, _next) => {
    const refusal = toRefusal(error, res.locals.requestId as string)
    if (refusal.status >= 500 && refusal.code === 'internal') {
      log.error(
        { request_id: res.locals.requestId, error: error instanceof Error ? error.stack : String(error) },
        'a request failed',
      )
    }
    // In the middle of a stream only a broken connection shows the client that data is missing.
    if (res.headersSent) {
      res.destroy()
      return
    }
    if (res.destroyed) return
    if (refusal.retryAfterS !== undefined) res.set('retry-after', String(refusal.retryAfterS))
    if (refusal.status === 401) res.set('www-authenticate', 'Bearer realm="sluice", Basic realm="sluice"')
    res.status(refusal.status).json(refusal.toBody())
  }
}

function toRefusal(error: unknown, requestId: string): SluiceError {
  if (error instanceof SluiceError) return error
  if (isRedisAway(error)) {
    return new SluiceError(
      'overloaded_error',
      'redis_unavailable',
      'Redis does not answer now. Try again shortly; for a batch with the same Idempotency-Key, so that it is not created twice.',
      { retryAfterS: 2 },
    )
  }
  if (error instanceof Error && 'status' in error && error.status === 400) {
    return new SluiceError('invalid_request_error', 'invalid_request', `The request cannot be read: ${error.message}`)
  }
  return new SluiceError(
    'server_error',
    'internal',
    `An internal error occurred; your request is not the cause. The server's log has it under ${requestId}.`,
  )
}

/** ioredis distinguishes these errors only by their text. */
function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code, name, message } = error as NodeJS.ErrnoException
  return (
    code === 'ECONNREFUSED' ||
    code === 'ECONNRESET' ||
    name === 'MaxRetriesPerRequestError' ||
    /Connection is closed|Stream isn't writeable|Command timed out|LOADING |READONLY |max retries per request/i.test(
      message,
    )
  )
}
