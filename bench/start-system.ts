import { run, type Running } from '@sluice/local/processes/app-process'
import { type OwnRedis, startOwnRedis } from '@sluice/local/redis/own-redis'

/** Redis, simulator, API and one worker, one process each, as a user runs them; stopped together. */
export interface System extends AsyncDisposable {
  readonly redis: OwnRedis
  readonly api: Running
  readonly worker: Running
  /** Base URL of the API. */
  readonly url: string
  readonly simulatorUrl: string
  /** Environment variables with which a client finds the provider. */
  readonly provider: { readonly OPENAI_BASE_URL: string; readonly OPENAI_API_KEY: string }
}

const address = /(http:\/\/127\.0\.0\.1:\d+)/

/** Every call takes `latencyMs`; none is refused. */
export async function startSystem({
  latencyMs,
  worker: workerEnv = {},
}: {
  latencyMs: string
  worker?: Record<string, string>
}): Promise<System> {
  await using opening = new AsyncDisposableStack()
  const start = async (...args: Parameters<typeof run>) =>
    opening.adopt(await run(...args), async (it) => void (await it.stop()))
  const redis = opening.use(await startOwnRedis())
  const simulator = await start(
    'simulator',
    { SIMULATOR_PORT: '0', SIMULATOR_LATENCY_MS: latencyMs, SIMULATOR_LATENCY_SPREAD: '0' },
    address,
  )
  const simulatorUrl = simulator.ready[1]!
  const provider = { OPENAI_BASE_URL: `${simulatorUrl}/v1`, OPENAI_API_KEY: 'none' }
  const common = { ...provider, REDIS_URL: redis.url, SLUICE_MODEL: 'simulator' }
  const api = await start('api', { ...common, PORT: '0' }, address)
  const worker = await start('worker', { ...common, ...workerEnv }, /worker ready/)
  const opened = opening.move()
  return {
    redis,
    api,
    worker,
    url: api.ready[1]!,
    simulatorUrl,
    provider,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
