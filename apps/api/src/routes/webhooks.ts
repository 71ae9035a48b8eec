import type { Engine } from '@sluice/engine/engine'
import type { Handlers } from '../http/mount.ts'

type Names =
  | 'listWebhookDeliveries'
  | 'getWebhookDelivery'
  | 'retryWebhookDelivery'
  | 'listWebhookEndpoints'
  | 'enableWebhookEndpoint'

export function webhookRoutes({ webhooks }: Pick<Engine, 'webhooks'>): Pick<Handlers, Names> {
  return {
    listWebhookDeliveries: async ({ query }) => ({ status: 200, body: await webhooks.deliveries(query) }),
    getWebhookDelivery: async ({ params: { id = '' } }) => ({ status: 200, body: await webhooks.delivery(id) }),
    retryWebhookDelivery: async ({ params: { id = '' } }) => ({ status: 200, body: await webhooks.retry(id) }),
    listWebhookEndpoints: async ({ query }) => ({ status: 200, body: await webhooks.endpoints(query) }),
    enableWebhookEndpoint: async ({ params: { id = '' } }) => ({ status: 200, body: await webhooks.enable(id) }),
  }
}
