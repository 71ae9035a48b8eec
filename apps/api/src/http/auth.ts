import { createHash, timingSafeEqual } from 'node:crypto'
import { SluiceError } from '@sluice/contract/error'
import type { RequestHandler } from 'express'

const openPaths = new Set(['/healthz', '/readyz'])
const loopbackHost = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i

/** Requires one of the keys: as a bearer token, or as the password of HTTP Basic, which browsers can send to `/queues` and `/docs`. */
export function requireKey(apiKeys: readonly string[]): RequestHandler {
  const digests = apiKeys.map(digest)
  return (req, _res, next) => {
    if (openPaths.has(req.path)) return next()
    const given = givenKey(req.headers.authorization)
    if (given === undefined) {
      return next(
        new SluiceError('authentication_error', 'missing_api_key', 'Send an API key: `Authorization: Bearer <key>`.'),
      )
    }
    const hashed = digest(given)
    // Every key is compared, in the same time whether it matches or not.
    const fits = digests.filter((one) => timingSafeEqual(one, hashed)).length > 0
    return next(
      fits ? undefined : new SluiceError('authentication_error', 'invalid_api_key', 'This API key is not valid.'),
    )
  }
}

/**
 * Without keys the server is for this machine only. A page in a local browser could still reach it: under a foreign name that points here
 * (DNS rebinding), or by a form on another site. Both are rejected.
 */
export function onlyThisMachine(): RequestHandler {
  return (req, _res, next) => {
    const { host = '', origin } = req.headers
    if (!loopbackHost.test(host)) {
      return next(
        new SluiceError(
          'authentication_error',
          'foreign_host',
          `Use localhost as the host of this server, not '${host}', or set SLUICE_API_KEYS.`,
        ),
      )
    }
    const sameOrigin = origin === undefined || origin === `http://${host}`
    if (req.method !== 'GET' && req.method !== 'HEAD' && !sameOrigin) {
      return next(
        new SluiceError('authentication_error', 'foreign_origin', `A page of ${origin} must not use this server.`),
      )
    }
    return next()
  }
}

function givenKey(authorization: string | undefined): string | undefined {
  const [scheme = '', value = ''] = (authorization ?? '').split(' ')
  if (scheme.toLowerCase() === 'bearer' && value !== '') return value
  if (scheme.toLowerCase() === 'basic') return Buffer.from(value, 'base64').toString().split(':').slice(1).join(':')
  return undefined
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
