import { invalidRequest, type SluiceError } from '@sluice/contract/error'
import { bodyContentTypes, type BodyType, bodyTypes, type Route } from '@sluice/contract/route'
import type { Request, RequestHandler } from 'express'
import { readJsonBody } from '../gate/json-body.ts'

/** The form in which a request's body comes; null if the route does not accept it. A request without a body counts as JSON. */
export function bodyTypeOf(route: Route, req: Request): BodyType | null {
  const accepted = bodyTypes(route)
  const streamed = accepted.find((type) => type !== 'json' && req.is(bodyContentTypes[type]) === bodyContentTypes[type])
  if (streamed !== undefined) return streamed
  // A route without a body ignores JSON: clients send `{}`.
  if (accepted.length > 0 && !accepted.includes('json')) return null
  return !hasBody(req) || req.is([bodyContentTypes.json, 'application/*+json']) ? 'json' : null
}

const charsets = /^(utf-?8|us-ascii)$/i

/** For each route: parses JSON bodies up to `limitBytes`, and rejects bodies that are too large, too deep, not JSON or of a type that the route does not accept. */
export function createReadBody(limitBytes: number): (route: Route) => RequestHandler {
  return (route) => async (req, _res, next) => {
    const type = bodyTypeOf(route, req)
    switch (type) {
      case 'form':
        return next()
      case 'lines':
        requireUtf8(req)
        return next()
      case 'json':
        if (!hasBody(req)) return next()
        requireUtf8(req)
        req.body = await readJsonBody(req, limitBytes)
        return next()
      case null:
        throw unsupported(route, req)
      default:
        return type satisfies never
    }
  }
}

function requireUtf8(req: Request): void {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(req.headers['content-type'] ?? '')?.[1] ?? 'utf-8'
  if (charsets.test(charset)) return
  throw invalidRequest('unsupported_media_type', `Send JSON in UTF-8, not in ${charset}.`, 'content-type')
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
