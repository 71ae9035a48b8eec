import { SluiceError } from '@sluice/contract/error'
import { isOutage } from '@sluice/engine/redis/refusal'
import type { ErrorRequestHandler, Request, Response } from 'express'
import type { Logger } from 'pino'
import { loginPage } from '../pages/login.ts'
import { escapeHtml, renderPage } from '../pages/html.ts'

export interface ErrorOptions {
  readonly log: Logger
  /** Removes secrets from what is logged or answered. */
  readonly redact: (text: string) => string
}

/** The one place where an error becomes an answer. A bug is logged with its stack; its answer has the request's id only. */
export function createErrorHandler({ log, redact }: ErrorOptions): ErrorRequestHandler {
  return (error, req, res, _next) => {
    const refusal = toRefusal(error, res.locals.requestId as string)
    if (refusal.status >= 500 && refusal.code === 'internal') {
      log.error(
        { request_id: res.locals.requestId, error: error instanceof Error ? error.stack : String(error) },
        'a request failed',
      )
    }
    // In the middle of a stream only a cut shows the client that something is missing.
    if (res.headersSent) {
      res.destroy()
      return
    }
    if (res.destroyed) return
    if (refusal.retryAfterS !== undefined) res.set('retry-after', String(refusal.retryAfterS))
    res.status(refusal.status)
    const wantsPage = prefersHtml(req)
    if (needsKey(refusal)) challenge(req, res, wantsPage)
    if (wantsPage) res.type('html').send(needsKey(refusal) ? loginPage(req.originalUrl) : errorPage(refusal))
    else res.json({ error: { ...refusal.toBody().error, message: redact(refusal.message) } })
  }

  function errorPage({ status, message }: SluiceError): string {
    const body = `    <h1>${status}</h1>\n    <p>${escapeHtml(redact(message))}</p>\n    <p><a href="/">Sluice</a></p>`
    return renderPage(`Sluice: ${status}`, body)
  }
}

/** A person with a browser, not a program: it names HTML itself, before JSON. */
function prefersHtml(req: Request): boolean {
  if (req.method !== 'GET' && req.method !== 'HEAD') return false
  const accept = req.headers.accept ?? ''
  return accept.includes('text/html') && req.accepts(['application/json', 'text/html']) === 'text/html'
}

function needsKey({ code }: SluiceError): boolean {
  return ['missing_api_key', 'invalid_api_key', 'session_ended'].includes(code)
}

/**
 * One header line for each challenge: browsers do not find the second one of a line. Basic comes first, for browsers. A page that
 * is opened shows the login form instead, and a script of a page handles the error itself: for them the browser must not open its own
 * window, in which the request would wait.
 */
function challenge(req: Request, res: Response, wantsPage: boolean): void {
  const mode = req.headers['sec-fetch-mode']
  const isScript = mode !== undefined && mode !== 'navigate'
  const schemes = wantsPage || isScript ? ['Bearer'] : ['Basic', 'Bearer']
  res.setHeader(
    'www-authenticate',
    schemes.map((scheme) => `${scheme} realm="sluice"`),
  )
}

function toRefusal(error: unknown, requestId: string): SluiceError {
  if (error instanceof SluiceError) return error
  if (isRedisAway(error)) {
    return new SluiceError(
      'overloaded_error',
      'redis_unavailable',
      'Redis does not answer now. Try again shortly; a batch with the same Idempotency-Key, so that it is not made twice.',
      { retryAfterS: 2 },
    )
  }
  if (error instanceof Error && 'status' in error && error.status === 400) {
    return new SluiceError('invalid_request_error', 'invalid_request', `The request cannot be read: ${error.message}`)
  }
  return new SluiceError(
    'server_error',
    'internal',
    `Something went wrong here, not with your request. It is in the log under ${requestId}.`,
  )
}

/** Redis cannot be reached, or accepts no writes. ioredis distinguishes most of these errors only by their text. */
function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code = '', name, message } = error as NodeJS.ErrnoException
  return (
    isOutage(error) ||
    ['ECONNREFUSED', 'ECONNRESET'].includes(code) ||
    name === 'MaxRetriesPerRequestError' ||
    /Stream isn't writeable|LOADING |READONLY |max retries per request/i.test(message)
  )
}
