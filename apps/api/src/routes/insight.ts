import { invalidRequest } from '@sluice/contract/error'
import type { Engine } from '@sluice/engine/engine'
import type { Handlers } from '../http/mount.ts'

type Names = 'listFailures' | 'getTimeline' | 'listItems' | 'getItem'

export function insightRoutes({ insight }: Pick<Engine, 'insight'>): Pick<Handlers, Names> {
  return {
    listFailures: async ({ params: { id = '' } }) => ({ status: 200, body: await insight.failures(id) }),
    getTimeline: async ({ params: { id = '' } }) => ({ status: 200, body: await insight.timeline(id) }),
    listItems: async ({ params: { id = '' }, query }) => ({ status: 200, body: await insight.items(id, query) }),
    async getItem({ params: { id = '', index = '' } }) {
      if (!/^\d{1,10}$/.test(index)) {
        throw invalidRequest(
          'invalid_request',
          `index: '${index.slice(0, 50)}' is not a place in the batch: it is a whole number from 0.`,
          'index',
        )
      }
      return { status: 200, body: await insight.item(id, Number(index)) }
    },
  }
}
