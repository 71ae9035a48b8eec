import type { Engine } from '@sluice/engine/engine'
import type { Handlers } from '../http/mount.ts'

export function webhookRoutes({ webhooks }: Engine): Pick<Handlers, 'listWebhookDeliveries' | 'enableWebhookEndpoint'> {
  return {
    listWebhookDeliveries: async ({ query }) => ({
      status: 200,
      body: { object: 'list', ...(await webhooks.list(query)) },
    }),
    async enableWebhookEndpoint({ params: { name = '' } }) {
      await webhooks.enable(name)
      return { status: 200, body: { object: 'webhook.endpoint', name, enabled: true } }
    },
  }
}
