import type { RequestHandler } from 'express'

const own =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'"
const frame = "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
/** Bull Board and Swagger UI write styles into elements, and Bull Board sets the base of its page. */
const foreignPage = `default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'`

const policies: readonly { readonly path: RegExp; readonly policy: string }[] = [
  { path: /^\/(queues|docs)(\/|$)/, policy: foreignPage },
]
/** Files that are the same for everybody; everything else may carry data. */
const cacheable = /^\/(queues\/static|docs)\/[^/]|^\/page\.css$/

const year = 31_536_000

/** What a browser may do with an answer. Scripts and styles of our pages are files: nothing written into a page runs. */
export function createSecurityHeaders(): RequestHandler {
  return (req, res, next) => {
    const policy = policies.find(({ path }) => path.test(req.path))?.policy ?? `${own}; ${frame}`
    res.set({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      // Other hosts get none. With `no-referrer` a browser sends the origin `null` with a form.
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
      'x-frame-options': 'DENY',
    })
    if (!cacheable.test(req.path)) res.set('cache-control', 'no-store')
    if (req.secure) res.set('strict-transport-security', `max-age=${year}`)
    next()
  }
}
