import { Webhook } from 'standardwebhooks'
import { Client } from 'undici'
import { type AddressPolicy, AddressRefused } from './address-policy.ts'

/** Of connecting, of the wait for the headers, and of the body: each. */
const stepMs = 10_000
const headerBytes = 16 * 1024
/** Of the answer. It is read so that the connection ends properly, and is not kept: it might be of a service that is not the user's. */
const bodyBytes = 64 * 1024

interface SignedEvent {
  readonly url: string
  /** The same in each attempt. */
  readonly id: string
  readonly body: string
  /** Signs with each. */
  readonly secrets: readonly string[]
}

/** `unreachable`: no answer came. */
export type Posted =
  | { readonly type: 'answered'; readonly status: number }
  | { readonly type: 'unreachable'; readonly message: string }

/** Sends one event, once, by the rules of Standard Webhooks. Rejects only when `signal` aborts. */
export type PostEvent = (event: SignedEvent, options: { readonly signal: AbortSignal }) => Promise<Posted>

/**
 * Every request has its own connection, so that what was checked is what is connected to. Redirects are not followed and proxy variables
 * are not read: undici's Client does neither.
 */
export function createPostEvent({ policy }: { readonly policy: AddressPolicy }): PostEvent {
  return async ({ url, id, body, secrets }, { signal }) => {
    signal.throwIfAborted()
    const target = new URL(url)
    const refusal = policy.refusalOf(target)
    if (refusal !== null) return { type: 'unreachable', message: refusal }
    const client = new Client(target.origin, {
      connect: { lookup: policy.lookup, timeout: stepMs },
      headersTimeout: stepMs,
      bodyTimeout: stepMs,
      maxHeaderSize: headerBytes,
      pipelining: 0,
      allowH2: false,
    })
    try {
      const { statusCode, body: answer } = await client.request({
        method: 'POST',
        path: `${target.pathname}${target.search}`,
        headers: { ...signatureHeaders(id, body, secrets), 'content-type': 'application/json', 'user-agent': 'Sluice' },
        body,
        // Headers that come byte by byte would restart the limit above.
        signal: AbortSignal.any([signal, AbortSignal.timeout(2 * stepMs)]),
      })
      await answer.dump({ limit: bodyBytes, signal: AbortSignal.timeout(stepMs) }).catch(() => {})
      return { type: 'answered', status: statusCode }
    } catch (error) {
      signal.throwIfAborted()
      return { type: 'unreachable', message: messageOf(error) }
    } finally {
      await client.destroy()
    }
  }
}

function signatureHeaders(id: string, body: string, secrets: readonly string[]): Record<string, string> {
  const now = new Date()
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, now, body)).join(' '),
  }
}

/** Never with the URL, whose query may have secrets. */
function messageOf(error: unknown): string {
  if (error instanceof AddressRefused) return error.message
  const { code, name, message } = error as NodeJS.ErrnoException
  switch (code ?? name) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The name of the host could not be resolved.'
    case 'ECONNREFUSED':
      return 'The connection was refused.'
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'TimeoutError':
      return `No answer within ${stepMs / 1_000} seconds.`
    default:
      return (message === '' ? (code ?? name) : message).slice(0, 200)
  }
}
