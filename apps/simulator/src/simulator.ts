import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAnswerer } from './answer/answerer.ts'
import { createChat } from './chat/chat.ts'
import type { SimulatorConfig } from './config.ts'
import { createControl } from './control.ts'
import { type ApiError, badKey, invalidRequest, unknownModel, unknownUrl, wrongMethod } from './errors.ts'
import { createEndpoints } from './endpoints/endpoints.ts'
import { createFaults } from './faults.ts'
import { readBody, sendError, sendJson } from './http.ts'
import { createLatency } from './latency.ts'
import { createLimits, defaultLimits } from './limits.ts'
import { createRandom } from './random.ts'
import { createStats } from './stats.ts'

export interface Simulator {
  /** Without `/v1`. */
  readonly url: string
  readonly port: number
  /** Cuts what is in flight. */
  stop(): Promise<void>
}

/** Longer than clients keep idle connections, so that the server never closes one that a client is about to use. */
const keepAliveMs = 120_000
const tooLong: ApiError = { ...invalidRequest('The request is larger than 32 MiB.', null), status: 413 }

/** Listens, or rejects with the server's error (EADDRINUSE). */
export async function startSimulator(config: SimulatorConfig): Promise<Simulator> {
  const random = createRandom(config.seed)
  const initial = {
    faults: { rates: config.faults },
    limits: {
      ...defaultLimits,
      rpm: config.rpm,
      tpm: config.tpm,
      burstS: config.burstS,
      windowS: config.windowS,
      headers: config.headers,
    },
    latency: { p50Ms: config.latencyMs, spread: config.latencySpread },
  }
  const stats = createStats()
  const faults = createFaults(random, initial.faults)
  const limits = createLimits(initial.limits, performance.now())
  const latency = createLatency(random, initial.latency, config.capacity)
  const control = createControl({ faults, limits, latency, stats }, initial)
  const served = { models: config.models, answerer: createAnswerer(), limits, latency, faults, stats }
  const endpoints = createEndpoints(served).set('/v1/chat/completions', createChat(served))
  const models = config.models.map((id) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'simulator' }))

  const server = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
    route(request, response).catch((error: unknown) => {
      // A client that left before its request was complete is not an error of this server.
      if (response.destroyed) return
      console.error(error)
      if (response.headersSent) response.destroy()
      else sendError(response, { status: 500, message: String(error), type: 'server_error', param: null, code: null })
    })
  })
  server.listen(config.port, config.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    async stop() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    if (path.startsWith('/v1/')) {
      const given = request.headers.authorization
      if (config.apiKey !== null && given !== `Bearer ${config.apiKey}`) return sendError(response, badKey(given))
    }
    const answer = endpoints.get(path)
    if (answer !== undefined) {
      if (method !== 'POST') return sendError(response, wrongMethod(method, path, 'POST'))
      const body = await readBody(request)
      return body === null ? sendError(response, tooLong) : answer(body, response)
    }
    if (path.startsWith('/_simulator/') && path !== '/_simulator/stats') {
      if (method !== 'POST') return sendError(response, wrongMethod(method, path, 'POST'))
      return changeSettings(path.slice('/_simulator/'.length), request, response)
    }
    const found = look(path, new URLSearchParams(mark < 0 ? '' : url.slice(mark)))
    if (found === null) return sendError(response, unknownUrl(method, path))
    if (method !== 'GET' && method !== 'HEAD') return sendError(response, wrongMethod(method, path, 'GET'))
    return 'error' in found ? sendError(response, found.error) : sendJson(response, 200, JSON.stringify(found.body))
  }

  function look(path: string, query: URLSearchParams): { body: unknown } | { error: ApiError } | null {
    if (path === '/healthz') return { body: { status: 'ok' } }
    if (path === '/v1/models') return { body: { object: 'list', data: models } }
    if (path === '/_simulator/stats') return { body: stats.snapshot(query.get('content') === '1') }
    if (!path.startsWith('/v1/models/')) return null
    const id = decodeURIComponent(path.slice('/v1/models/'.length))
    const model = models.find((one) => one.id === id)
    return model === undefined ? { error: unknownModel(id) } : { body: model }
  }

  async function changeSettings(what: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request)
    if (text === null) return sendError(response, tooLong)
    let body: unknown
    try {
      body = text === '' ? {} : JSON.parse(text)
    } catch (error) {
      return sendError(response, invalidRequest(`The body is not JSON: ${String(error)}`, null))
    }
    const changed = control.change(what, body)
    if (changed === null) return sendError(response, unknownUrl('POST', `/_simulator/${what}`))
    if ('error' in changed) return sendError(response, changed.error)
    return sendJson(response, 200, JSON.stringify(changed.now))
  }
}
