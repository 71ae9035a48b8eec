import { SluiceError } from '@sluice/contract/error'
import type { Request } from 'express'

const plainHost = /^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d+)?$/i
/** As `URL` writes it. Every address that begins with 127 is this machine, and so is `localhost.`; no name of another site reads so. */
const loopbackName = /^(?:localhost\.?|127(?:\.\d+){3}|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/
const reading = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Without keys the server is for this machine only: a page under a foreign name that points here (DNS rebinding) is refused. */
export function refuseForeignHost({ headers: { host = '' } }: Request): void {
  if (plainHost.test(host) && loopbackName.test(URL.parse(`http://${host}`)?.hostname ?? '')) return
  throw new SluiceError(
    'authentication_error',
    'foreign_host',
    `Ask for this server as localhost, not as '${host}', or set SLUICE_API_KEYS.`,
  )
}

/**
 * Refuses what a page of another site makes a browser send. A browser adds its cached HTTP Basic credentials, and on a machine
 * without keys none are needed, so that only `Origin` and `Sec-Fetch-Site` tell whose page it was.
 * A page may be opened from anywhere (a link); everything else must come from a page of this server, or from no browser.
 */
export function refuseForeignOrigin(req: Request): void {
  const { origin } = req.headers
  const site = req.headers['sec-fetch-site']
  const foreign =
    site === undefined
      ? origin !== undefined && !isOwn(origin, req)
      : !(site === 'same-origin' || site === 'none') ||
        // A page that sends no referrer sends the origin `null` with a form.
        (origin !== undefined && origin !== 'null' && !isOwn(origin, req))
  if (!foreign || (reading.has(req.method) && (site === undefined || isNavigation(req)))) return
  throw new SluiceError(
    'authentication_error',
    'foreign_origin',
    `A page of ${origin ?? 'another site'} may not act here. Programs send no Origin, or the key as \`Authorization: Bearer <key>\`.`,
  )
}

function isNavigation({ method, headers }: Request): boolean {
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
}

/** Compared without the scheme, because a proxy that ends TLS sends http to this process. `req.host` uses the proxy's headers only where they are trusted. */
function isOwn(origin: string, req: Request): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host } = new URL(origin)
  if (!/^https?:$/.test(protocol)) return false
  const own = URL.canParse(`${protocol}//${req.host}`) ? new URL(`${protocol}//${req.host}`).host : ''
  return own !== '' && host === own
}
