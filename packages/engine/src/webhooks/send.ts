import { Webhook } from 'standardwebhooks'
import { Agent, request } from 'undici'
import type { WebhookConfig } from '@sluice/contract/webhook'
import { type AddressRule, createAddressRule, ForbiddenAddressError } from './public-address.ts'

/** For connecting, and for the whole attempt. */
const connectMs = 5_000
const attemptMs = 15_000
const userAgent = 'sluice-webhooks'

interface SignedMessage {
  /** The same for each attempt. */
  readonly id: string
  readonly url: string
  readonly body: string
  readonly secrets: readonly string[]
}

interface AttemptResult {
  readonly delivered: boolean
  /** Null: no response came. */
  readonly status: number | null
  readonly error: string | null
}

export interface SendWebhook extends AsyncDisposable {
  /** One attempt. Resolves whatever the receiver does: a status from 200 to 299 is a delivery, also a redirect is not. */
  send(message: SignedMessage): Promise<AttemptResult>
}

/** Sends webhooks as Standard Webhooks has it. Follows no redirect, and reads nothing of the receiver's answer but its status. */
function createSendWebhook({ addresses }: { readonly addresses: AddressRule }): SendWebhook {
  const agent = new Agent({
    connect: { lookup: addresses.lookup, timeout: connectMs },
    headersTimeout: attemptMs,
    bodyTimeout: attemptMs,
    maxHeaderSize: 16_384,
    pipelining: 1,
    connections: 2,
    keepAliveTimeout: 1_000,
  })
  return {
    async send({ id, url, body, secrets }) {
      try {
        addresses.checkHost(new URL(url).hostname)
        const now = new Date()
        const signature = secrets.map((secret) => new Webhook(secret).sign(id, now, body)).join(' ')
        const response = await request(url, {
          dispatcher: agent,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'user-agent': userAgent,
            'webhook-id': id,
            'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
            'webhook-signature': signature,
          },
          body,
          signal: AbortSignal.timeout(attemptMs),
        })
        const { statusCode: status } = response
        // The rest closes the connection.
        response.body.on('error', () => undefined).destroy()
        const delivered = status >= 200 && status < 300
        return { delivered, status, error: delivered ? null : `The receiver answered ${status}.` }
      } catch (error) {
        return { delivered: false, status: null, error: describe(error) }
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}

function describe(error: unknown): string {
  if (error instanceof ForbiddenAddressError) return error.message
  if (!(error instanceof Error)) return 'The attempt failed.'
  if (error.name === 'TimeoutError') return `The receiver did not answer within ${attemptMs / 1_000} s.`
  const { code } = error as NodeJS.ErrnoException
  return `The receiver could not be reached (${code ?? error.name}).`
}

export const noWebhooks: WebhookConfig = { endpoints: [], secrets: [], allow: [] }

export function openSender({ allow }: WebhookConfig = noWebhooks): SendWebhook {
  return createSendWebhook({ addresses: createAddressRule(allow) })
}
