import { notFound, SluiceError } from '@sluice/contract/error'
import { createOpenApi } from '@sluice/contract/openapi'
import type { Engine } from '@sluice/engine/engine'
import { formatMetrics } from './metrics.ts'
import type { Handlers } from '../http/mount.ts'

export function operationRoutes(
  engine: Engine,
  {
    version,
    secured,
    stopping,
    processMetrics,
  }: {
    version: string
    secured: boolean
    stopping: AbortSignal
    /** Of this process, in Prometheus' text form. */
    processMetrics: () => Promise<string>
  },
): Pick<Handlers, 'healthz' | 'readyz' | 'openapi' | 'listLanes' | 'resumeLane' | 'metrics'> {
  const document = createOpenApi({ version, secured })
  return {
    healthz: async () => ({ status: 200, body: { status: 'ok' } }),
    async readyz() {
      if (stopping.aborted) throw notReady('This process is stopping.')
      try {
        await engine.ping()
      } catch (error) {
        throw notReady(`Redis: ${error instanceof Error ? error.message : String(error)}`)
      }
      return { status: 200, body: { status: 'ok' } }
    },
    listLanes: async () => ({ status: 200, body: { object: 'list', data: await engine.lanesNow(), has_more: false } }),
    async resumeLane({ params: { name = '' } }) {
      if (!engine.lanes.includes(name)) throw notFound('lane', name)
      return { status: 200, body: { object: 'lane.resumed', name, batches: await engine.batches.resumeLane(name) } }
    },
    async metrics({ res }) {
      const [lanes, memory] = await Promise.all([engine.lanesNow(), engine.memory()])
      const { contentType, text } = await formatMetrics(lanes, memory)
      res
        .status(200)
        .set('content-type', contentType)
        .send(`${text}${await processMetrics()}`)
      return 'written'
    },
    openapi: async () => ({ status: 200, body: document }),
  }
}

function notReady(why: string): SluiceError {
  return new SluiceError('overloaded_error', 'not_ready', why, { retryAfterS: 2 })
}
