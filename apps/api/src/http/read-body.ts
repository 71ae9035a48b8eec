import { invalidRequest, SluiceError } from '@sluice/contract/error'
import { bodyContentTypes, type BodyType, bodyTypes, type Route } from '@sluice/contract/route'
import express, { type Request, type RequestHandler } from 'express'

/** The form in which a request's body comes; null if the route does not accept it. A request without a body counts as JSON. */
export function bodyTypeOf(route: Route, req: Request): BodyType | null {
  const accepted = bodyTypes(route)
  const streamed = accepted.find((type) => type !== 'json' && req.is(bodyContentTypes[type]) === bodyContentTypes[type])
  if (streamed !== undefined) return streamed
  // A route without a body ignores JSON: clients send `{}`.
  if (accepted.length > 0 && !accepted.includes('json')) return null
  return !hasBody(req) || req.is([bodyContentTypes.json, 'application/*+json']) ? 'json' : null
}

/** For each route: parses JSON bodies up to `limitBytes`, and rejects bodies that are too large, not JSON or of a type that the route does not accept. */
export function createReadBody(limitBytes: number): (route: Route) => RequestHandler {
  const json = express.json({ limit: limitBytes, strict: false })
  const limit = `${Math.floor(limitBytes / 1_048_576)} MB`
  return (route) => (req, res, next) => {
    const type = bodyTypeOf(route, req)
    switch (type) {
      case 'lines':
      case 'form':
        return next()
      case 'json':
        if (!hasBody(req)) return next()
        return json(req, res, (error?: unknown) => next(error === undefined ? undefined : explain(error)))
      case null:
        return next(unsupported(route, req))
      default:
        return type satisfies never
    }
  }

  function explain(error: unknown): unknown {
    const { type = '', message } = error as { type?: string; message?: string }
    switch (type) {
      case 'entity.too.large':
        return new SluiceError(
          'invalid_request_error',
          'too_large',
          `The body is larger than ${limit}: send items as application/x-ndjson, which has no size limit, or split them into several batches.`,
        )
      case 'entity.parse.failed':
        return invalidRequest('invalid_json', `The body is not valid JSON: ${message ?? ''}`)
      case 'encoding.unsupported':
      case 'charset.unsupported':
        return invalidRequest(
          'unsupported_media_type',
          `The body's encoding is not supported: ${message ?? ''}`,
          'content-encoding',
        )
      case 'request.aborted':
      case 'request.size.invalid':
        return invalidRequest('invalid_request', `The body is incomplete: ${message ?? ''}`)
      default:
        return error
    }
  }
}

function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}

const or = new Intl.ListFormat('en', { type: 'disjunction' })

function unsupported(route: Route, req: Request): SluiceError {
  const accepted = bodyTypes(route).map((type) => bodyContentTypes[type])
  return invalidRequest(
    'unsupported_media_type',
    `Send the body with content-type: ${or.format(accepted.length === 0 ? [bodyContentTypes.json] : accepted)}, not ${req.headers['content-type'] ?? 'none'}.`,
    'content-type',
  )
}
