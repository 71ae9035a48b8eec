import { SluiceError } from '@sluice/contract/error'
import type { Request, RequestHandler, Response } from 'express'
import type { Logger } from 'pino'
import { openBounds, type Patience } from './bounds.ts'
import { keepConnection } from './connections.ts'
import { refuseAmbiguousFraming } from './framing.ts'
import { createKeyring, type Keyring, type KnownKey } from './keyring.ts'
import { refuseDeepJson } from './json-body.ts'
import { limits } from './limits.ts'
import { createMemory, type Memory } from './memory.ts'
import { createOpenRequests, type OpenRequests } from './open-requests.ts'
import { refuseForeignHost, refuseForeignOrigin } from './origin.ts'
import { readCookie, sessionCookie } from './session-cookie.ts'
import { whenOver } from './when-over.ts'
import { createWrongKeys, type WrongKeys } from './wrong-keys.ts'

export interface GateOptions {
  /** Empty: no key is needed, and only this machine may ask. */
  readonly apiKeys: readonly string[]
  /** Of one JSON body. */
  readonly bodyLimitBytes: number
  readonly patience: Patience
  readonly log: Logger
}

export interface Gate {
  /** Every request passes it before anything else is done for it. */
  readonly admit: RequestHandler
  /** Null: no key is needed. */
  readonly keyring: Keyring | null
  readonly wrongKeys: WrongKeys
  readonly requests: OpenRequests
  readonly streams: OpenRequests
  readonly memory: Memory
}

/** Anybody may ask for these: probes, and what a browser needs to log in. */
const openPaths = new Set(['/healthz', '/readyz', '/login', '/logout', '/page.css'])

/**
 * The one place that decides whether a request is served at all: from where it may come, who asks, how often a key may be wrong,
 * how many requests and streams are open, and how much memory their bodies take. The body itself is read by gate/body.ts.
 */
export function createGate({ apiKeys, bodyLimitBytes, patience, log }: GateOptions): Gate {
  const keyring = apiKeys.length === 0 ? null : createKeyring(apiKeys, limits)
  const wrongKeys = createWrongKeys(log)
  const memory = createMemory(Math.max(limits.memoryBytes, 4 * bodyLimitBytes))
  const requests = createOpenRequests(
    { name: 'requests', code: 'too_many_requests', fix: 'Send this one again when others have ended.' },
    limits.requests,
  )
  const streams = createOpenRequests(
    {
      name: 'streams and uploads',
      code: 'too_many_streams',
      fix: 'End one of them, or read results without `follow`.',
    },
    limits.streams,
  )

  return {
    keyring,
    wrongKeys,
    requests,
    streams,
    memory,
    admit(req, res, next) {
      cutUnfinished(req, res)
      openBounds(req, res, memory, patience)
      refuseAmbiguousFraming(req, res)
      const caller = keyring === null ? admitLocal(req) : admitKey(req, keyring)
      if (caller === null) return next()
      const leave = requests.enter(caller)
      whenOver(req, res, leave)
      keepConnection(req, res)
      if (isStream(req)) whenOver(req, res, streams.enter(caller))
      refuseDeepQuery(req)
      return next()
    },
  }

  function admitLocal(req: Request): string | null {
    refuseForeignHost(req)
    refuseForeignOrigin(req)
    return openPaths.has(req.path) ? null : 'this machine'
  }

  function admitKey(req: Request, keys: Keyring): string | null {
    const given = givenKey(req)
    // A page of another site cannot send a bearer token; everything else a browser may add by itself.
    if (given?.by !== 'bearer') refuseForeignOrigin(req)
    if (openPaths.has(req.path)) return null
    if (given === undefined) {
      throw new SluiceError(
        'authentication_error',
        'missing_api_key',
        'Send an API key: `Authorization: Bearer <key>`.',
      )
    }
    return requireKnown(given, keys, req.ip ?? 'unknown').id
  }

  function requireKnown(given: GivenKey, keys: Keyring, address: string): KnownKey {
    if (given.by === 'session') {
      const known = keys.verify(given.value)
      if (known !== undefined) return known
      throw new SluiceError('authentication_error', 'session_ended', 'This session has ended: log in again at /login.')
    }
    return checkKey(given.value, { keyring: keys, wrongKeys, address })
  }
}

/**
 * The key, where it is known. A strong key is let in also while its address has to wait: others may share the address, and it
 * cannot be found by trying. Throws a refusal otherwise.
 */
export function checkKey(
  key: string,
  { keyring, wrongKeys, address }: { keyring: Keyring; wrongKeys: WrongKeys; address: string },
): KnownKey {
  const waits = wrongKeys.waitMs(address) > 0
  const known = keyring.find(key)
  if (known !== undefined && (known.strong || !waits)) return known
  if (waits) throw wrongKeys.refusal(address)
  wrongKeys.add(address)
  throw new SluiceError('authentication_error', 'invalid_api_key', 'This API key is not known.')
}

interface GivenKey {
  readonly by: 'bearer' | 'basic' | 'session'
  readonly value: string
}

function givenKey({ headers }: Request): GivenKey | undefined {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ')
  if (scheme.toLowerCase() === 'bearer' && value !== '') return { by: 'bearer', value }
  if (scheme.toLowerCase() === 'basic')
    return { by: 'basic', value: Buffer.from(value, 'base64').toString().split(':').slice(1).join(':') }
  const session = readCookie(headers.cookie, sessionCookie)
  return session === undefined ? undefined : { by: 'session', value: session }
}

/** Options of an upload are JSON in the query: the contract parses them after this. */
function refuseDeepQuery({ query }: Request): void {
  for (const [name, value] of Object.entries(query)) {
    for (const text of [value].flat()) {
      if (typeof text === 'string' && /^\s*[[{]/.test(text)) refuseDeepJson(text, name)
    }
  }
}

const followed = /^\/v1\/(batches\/[^/]+\/(results|events)|events)$/

/** What lasts as long as its client wants: a stream that is followed, and a body that is read while it arrives. */
function isStream(req: Request): boolean {
  if (req.method === 'GET') return followed.test(req.path)
  return req.method === 'POST' && req.is(['application/x-ndjson', 'multipart/form-data']) !== false
}

/**
 * An answer before the end of its request's body: the rest is read for a moment, and then cut off. Closing at once would reset the
 * connection, and the sender would lose the answer.
 */
function cutUnfinished(req: Request, res: Response): void {
  res.once('finish', () => {
    if (req.complete) return
    const { socket } = req
    const timer = setTimeout(() => {
      if (!req.complete) socket.destroy()
    }, limits.lingerMs)
    socket.once('close', () => clearTimeout(timer))
    // Whoever began to read the body has stopped, but would still hold it back.
    req.removeAllListeners('readable')
    req.resume()
  })
}
