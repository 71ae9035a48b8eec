import { SluiceError } from '@sluice/contract/error'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { bodyOf } from '../gate/body.ts'
import { checkKey } from '../gate/gate.ts'
import type { Keyring } from '../gate/keyring.ts'
import { limits } from '../gate/limits.ts'
import { sessionCookie } from '../gate/session-cookie.ts'
import type { WrongKeys } from '../gate/wrong-keys.ts'
import { escapeHtml, pageStyle, renderPage } from './html.ts'

/** A key and a path. */
const mostFormBytes = 8 * 1024

export interface LoginOptions {
  /** Null: no key is needed, so there is nothing to log in to. */
  readonly keyring: Keyring | null
  readonly wrongKeys: WrongKeys
}

/** The login of browsers: the key once, then a session cookie. */
export function createLogin({ keyring, wrongKeys }: LoginOptions): Router {
  const router = express.Router()
  router.get('/page.css', (_req, res) => {
    res.type('css').set('cache-control', 'public, max-age=3600').send(pageStyle)
  })
  router.get('/login', (req, res) => {
    if (keyring === null) return res.redirect(303, '/')
    return res.type('html').send(loginPage(localPath(req.query['next'])))
  })
  const logIn: RequestHandler = async (req, res) => {
    if (keyring === null) return res.redirect(303, '/')
    const form = await readForm(req)
    const next = localPath(form.get('next'))
    const key = (form.get('key') ?? '').trim()
    try {
      checkKey(key, { keyring, wrongKeys, address: req.ip ?? 'unknown' })
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      if (error.retryAfterS !== undefined) res.set('retry-after', String(error.retryAfterS))
      return res.status(error.status).type('html').send(loginPage(next, error.message))
    }
    setCookie(req, res, keyring.issue(key), limits.sessionMs)
    return res.redirect(303, next)
  }
  // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 hands a rejection on to the error handler.
  router.route('/login').post(logIn)
  router.post('/logout', (req, res) => {
    setCookie(req, res, '', 0)
    res.redirect(303, keyring === null ? '/' : '/login')
  })
  return router
}

/** `next`: where the browser goes after the login, a path of this server. */
export function loginPage(next: string, problem?: string): string {
  return renderPage(
    'Log in to Sluice',
    `    <h1>Sluice</h1>
${problem === undefined ? '' : `    <p class="error" role="alert">${escapeHtml(problem)}</p>\n`}    <form method="post" action="/login">
      <input type="hidden" name="next" value="${escapeHtml(next)}" />
      <p><label for="key">API key</label><input id="key" name="key" type="password" autocomplete="current-password" required autofocus /></p>
      <p><button>Log in</button></p>
    </form>
    <p class="quiet">One of SLUICE_API_KEYS of this server. Programs send it as <code>Authorization: Bearer</code>.</p>`,
  )
}

/** A path here, whatever was asked for: `//host` and `/\\host` would lead to another host. */
function localPath(asked: unknown): string {
  if (typeof asked !== 'string' || !/^\/(?![/\\])/.test(asked) || /\p{Cc}/u.test(asked) || asked.length > 2_000)
    return '/'
  const base = 'http://localhost'
  const url = URL.canParse(asked, base) ? new URL(asked, base) : null
  if (url === null || url.origin !== base || /^\/(login|logout)$/.test(url.pathname)) return '/'
  return `${url.pathname}${url.search}`
}

async function readForm(req: Request): Promise<URLSearchParams> {
  if (req.is('application/x-www-form-urlencoded') === false) {
    throw new SluiceError(
      'invalid_request_error',
      'unsupported_media_type',
      'The login takes the form of its page. Programs send the key as `Authorization: Bearer <key>`.',
      { param: 'content-type' },
    )
  }
  const chunks: Buffer[] = []
  const tooLarge = () => new SluiceError('invalid_request_error', 'too_large', 'The form is too large.')
  for await (const chunk of bodyOf(req, {
    unpackedBytes: mostFormBytes,
    timeMs: limits.headersMs,
    encodings: [],
    tooLarge,
  }))
    chunks.push(chunk)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

function setCookie(req: Request, res: Response, value: string, maxAgeMs: number): void {
  res.cookie(sessionCookie, value, {
    httpOnly: true,
    sameSite: 'strict',
    secure: req.secure,
    path: '/',
    maxAge: maxAgeMs,
    encode: (text) => text,
  })
}
