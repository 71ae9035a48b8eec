import type { Engine } from '@sluice/engine/engine'
import type { Handlers } from '../http/mount.ts'

type Names = 'listDeliveries' | 'getDelivery' | 'retryDelivery' | 'listEndpoints' | 'enableEndpoint'

export function webhookRoutes({ webhooks }: Pick<Engine, 'webhooks'>): Pick<Handlers, Names> {
  return {
    listDeliveries: async ({ query }) => ({ status: 200, body: await webhooks.deliveries(query) }),
    getDelivery: async ({ params: { id = '' } }) => ({ status: 200, body: await webhooks.delivery(id) }),
    retryDelivery: async ({ params: { id = '' } }) => ({ status: 200, body: await webhooks.retry(id) }),
    listEndpoints: async ({ query }) => ({ status: 200, body: await webhooks.endpoints(query) }),
    enableEndpoint: async ({ params: { id = '' } }) => ({ status: 200, body: await webhooks.enable(id) }),
  }
}
