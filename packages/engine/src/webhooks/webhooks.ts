import { conflict, invalidRequest, notFound } from '@sluice/contract/error'
import type { WebhookDelivery, WebhookEndpoint, WebhookConfig, WebhookTarget } from '@sluice/contract/webhook'
import type { Webhooks } from '../engine.ts'
import { createAddressPolicy } from './address-policy.ts'
import { type Delivery, type DeliveryStore, eventOf } from './delivery-store.ts'
import type { Endpoint, Endpoints } from './endpoints.ts'
import { type ReleaseHeld, restart, type RestartDependencies } from './release-held.ts'

/** Deliveries that one request for a page looks at, and those that it reads at once. */
const mostSeen = 2_000
const readAtOnce = 100

export interface WebhooksDependencies extends RestartDependencies {
  readonly store: DeliveryStore
  readonly endpoints: Endpoints
  readonly releaseHeld: ReleaseHeld
  /** Resolves when all earlier writes are on disk. */
  readonly confirm: () => Promise<void>
}

/** Deliveries and endpoints as the API shows and changes them. */
export function createWebhooks(dependencies: WebhooksDependencies): Webhooks {
  const { store, endpoints, releaseHeld, confirm } = dependencies

  async function read(id: string) {
    const found = await store.read(id)
    if (found === null) throw notFound('delivery', id)
    return found
  }

  async function endpoint(id: string): Promise<Endpoint> {
    const found = await endpoints.find(id)
    if (found === null) throw notFound('endpoint', id)
    return found
  }

  return {
    async deliveries({ after, limit, status }) {
      const data: WebhookDelivery[] = []
      let last = after
      for (let seen = 0; seen < mostSeen; seen += readAtOnce) {
        const ids = await store.list(last, readAtOnce)
        const found = await Promise.all(ids.map((id) => store.read(id)))
        for (const [at, one] of found.entries()) {
          const isWanted = one !== null && (status === undefined || one.delivery.status === status)
          if (isWanted && data.length === limit) return { object: 'list', data, has_more: true, next: last ?? null }
          if (isWanted) data.push(toView(one.delivery))
          last = ids[at]
        }
        if (ids.length < readAtOnce) return { object: 'list', data, has_more: false, next: null }
      }
      return { object: 'list', data, has_more: true, next: last ?? null }
    },

    delivery: async (id) => toView((await read(id)).delivery),

    async retry(id) {
      for (;;) {
        const found = await read(id)
        const { endpointId } = found.delivery
        if ((await endpoint(endpointId)).disabledAt !== null) {
          throw conflict('endpoint_disabled', `Endpoint '${endpointId}' is disabled: enable it first.`)
        }
        const restarted = await restart(found, dependencies)
        if (restarted === null) continue
        await confirm()
        return toView(restarted)
      }
    },

    async endpoints({ after, limit }) {
      const { endpoints: found, hasMore } = await endpoints.list(after, limit)
      return { object: 'list', data: found.map(toEndpointView), has_more: hasMore }
    },

    async enable(id) {
      await endpoint(id)
      await endpoints.enable(id)
      await releaseHeld(id)
      await confirm()
      return toEndpointView(await endpoint(id))
    },
  }
}

/** Throws for a `webhook` that could never be delivered. Names are resolved only when a request is sent. */
export type CheckWebhook = (webhook: WebhookTarget | undefined) => void

export function createCheckWebhook({ secrets, allow }: WebhookConfig): CheckWebhook {
  const policy = createAddressPolicy(allow)
  return (webhook) => {
    if (webhook === undefined) return
    if (secrets.length === 0) {
      const fix = 'set SLUICE_WEBHOOK_SECRETS, or `webhooks` in sluice.config.ts'
      throw invalidRequest('webhook_secret_missing', `There is no secret to sign webhooks with: ${fix}.`, 'webhook')
    }
    const refusal = policy.refusalOf(new URL(webhook.url))
    if (refusal !== null) throw invalidRequest('webhook_address', refusal, 'webhook.url')
  }
}

function toView(delivery: Delivery): WebhookDelivery {
  const { id, status, endpointId, attempts, lastAt, lastStatus, lastError, nextAt, at } = delivery
  return {
    id,
    object: 'webhook.delivery',
    status,
    event: eventOf(delivery),
    endpoint_id: endpointId,
    attempts,
    last_attempt_at: seconds(lastAt),
    last_status: lastStatus,
    last_error: lastError,
    next_attempt_at: status === 'pending' ? nextAt / 1_000 : null,
    created_at: at / 1_000,
  }
}

function toEndpointView(endpoint: Endpoint): WebhookEndpoint {
  const { origin, pathname } = new URL(endpoint.url)
  return {
    id: endpoint.id,
    object: 'webhook.endpoint',
    url: `${origin}${pathname}`,
    name: endpoint.name,
    events: [...endpoint.events],
    status: endpoint.disabledAt === null ? 'enabled' : 'disabled',
    reason: endpoint.reason,
    disabled_at: seconds(endpoint.disabledAt),
    last_success_at: seconds(endpoint.lastSuccessAt),
    last_failure_at: seconds(endpoint.lastFailureAt),
    last_error: endpoint.lastError,
  }
}

function seconds(unixMs: number | null): number | null {
  return unixMs === null ? null : unixMs / 1_000
}
