import { Redis } from 'ioredis'
import { run } from '@sluice/local/processes/app-process'
import { type OwnRedis, startOwnRedis } from '@sluice/local/redis/own-redis'
import { type Crew, startCrew } from './crew.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** What the simulator counted since its start. */
export interface SimulatorStats {
  readonly paid: number
  /** Calls paid again for the same text. */
  readonly paid_again: number
  readonly faults: Readonly<Record<string, number>>
}

/** Redis, a proxy to it, a simulated provider, the API and workers. */
export interface ChaosSystem extends AsyncDisposable {
  readonly redis: OwnRedis
  /** To Redis itself, past the proxy. */
  readonly admin: Redis
  readonly proxy: TcpProxy
  readonly crew: Crew
  setFaults(rates: Record<string, number>): Promise<void>
  stats(): Promise<SimulatorStats>
}

export async function startChaosSystem({
  seed,
  workers,
  latencyMs,
}: {
  readonly seed: number
  readonly workers: number
  readonly latencyMs: number
}): Promise<ChaosSystem> {
  await using opening = new AsyncDisposableStack()
  const redis = opening.use(await startOwnRedis())
  const target = { host: '127.0.0.1', port: Number(new URL(redis.url).port) }
  const proxy = opening.use(await startTcpProxy(target, { speaksRedis: true }))
  const admin = opening.adopt(new Redis(redis.url, { maxRetriesPerRequest: null }), (it) => it.disconnect())
  admin.on('error', () => {})
  const settings = { SIMULATOR_PORT: '0', SIMULATOR_LATENCY_MS: String(latencyMs), SIMULATOR_SEED: String(seed) }
  const simulator = opening.use(await run('simulator', settings, /(http:\/\/127\.0\.0\.1:\d+)/))
  const simulatorUrl = simulator.ready[1]!
  const env = {
    REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    OPENAI_BASE_URL: `${simulatorUrl}/v1`,
    OPENAI_API_KEY: 'none',
    SLUICE_CONFIG: 'test/support/priced.config.ts',
    SLUICE_GRACE_S: '0.5',
  }
  const crew = opening.use(await startCrew(env, workers))
  const opened = opening.move()
  return {
    redis,
    admin,
    proxy,
    crew,
    async setFaults(rates) {
      await fetch(`${simulatorUrl}/_simulator/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ rates }),
      })
    },
    async stats() {
      return (await (await fetch(`${simulatorUrl}/_simulator/stats`)).json()) as SimulatorStats
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
