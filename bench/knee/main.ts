import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Batch } from '@sluice/contract/batch'
import type { LaneView } from '@sluice/contract/lane-view'
import { run } from '@sluice/local/processes/app-process'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { schema } from '../overhead/chat-body.ts'
import { texts } from '../texts.ts'

/**
 * A provider without limit headers that gets slower under load: how many calls in flight does a lane find by itself, and how near is
 * that to the best fixed setting? Beyond the knee more calls bring no more answers; they only wait for each other.
 */
const { values } = parseArgs({
  options: {
    /** Above this number of calls in flight the provider's latency grows in proportion. */
    capacity: { type: 'string', default: '20' },
    'latency-ms': { type: 'string', default: '300' },
    fixed: { type: 'string', multiple: true, default: ['5', '10', '15', '20', '25', '40', '80', '160'] },
    /** Most calls in flight of all adapting workers together. */
    most: { type: 'string', default: '160' },
    /** Seconds that are measured, after a warm-up that is not. */
    seconds: { type: 'string', default: '40' },
    'settle-seconds': { type: 'string', default: '45' },
  },
})
const seconds = Number(values.seconds)
const latencyMs = Number(values['latency-ms'])
const found = /(http:\/\/127\.0\.0\.1:\d+)/
const fixedConfig = fileURLToPath(new URL('fixed.config.ts', import.meta.url))

await using redis = await startOwnRedis()
await using simulator = await run(
  'simulator',
  {
    SIMULATOR_PORT: '0',
    SIMULATOR_HEADERS: 'off',
    SIMULATOR_CAPACITY: values.capacity,
    SIMULATOR_LATENCY_MS: values['latency-ms'],
  },
  found,
)
const provider = { OPENAI_BASE_URL: `${simulator.ready[1]}/v1`, OPENAI_API_KEY: 'none', SLUICE_MODEL: 'simulator' }

interface Measured {
  readonly perSecond: number
  readonly inFlight: number
}

const rows: (Measured & { readonly setting: string })[] = []
for (const setting of values.fixed) {
  const env = { SLUICE_CONFIG: fixedConfig, SLUICE_CONCURRENCY: setting }
  await one(`${setting} calls in flight, fixed`, { workers: 1, env, settleSeconds: 5 })
}
for (const workers of [1, 4]) {
  const env = { SLUICE_CONCURRENCY: String(Math.ceil(Number(values.most) / workers)) }
  const setting = workers === 1 ? 'Sluice adapts, 1 worker' : `Sluice adapts, ${workers} workers`
  await one(setting, { workers, env, settleSeconds: Number(values['settle-seconds']) })
}

const best = Math.max(...rows.filter(({ setting }) => setting.endsWith('fixed')).map(({ perSecond }) => perSecond))
console.table(
  rows.map(({ setting, perSecond, inFlight }) => ({
    setting,
    'answers per second': round(perSecond, 1),
    'of the best fixed': round(perSecond / best, 3),
    'calls in flight': round(inFlight, 1),
    // Little's law.
    'ms per call': Math.round((inFlight / perSecond) * 1_000),
  })),
)

async function one(
  setting: string,
  { workers, env, settleSeconds }: { workers: number; env: Record<string, string>; settleSeconds: number },
): Promise<void> {
  console.error(`${setting} ...`)
  await using stack = new AsyncDisposableStack()
  const common = { ...provider, ...env, REDIS_URL: redis.url, SLUICE_PREFIX: `knee-${rows.length}` }
  const api = stack.use(await run('api', { ...common, PORT: '0' }, found))
  for (let i = 0; i < workers; i += 1) stack.use(await run('worker', common, /worker ready/))
  const url = api.ready[1]!
  const capacityPerSecond = (Number(values.capacity) / latencyMs) * 1_000
  const { id } = await submit(url, Math.ceil(capacityPerSecond * (seconds + settleSeconds) * 1.3))
  await sleep(settleSeconds * 1_000)
  const began = performance.now()
  const before = await succeeded(url, id)
  const samples: number[] = []
  while (performance.now() - began < seconds * 1_000) {
    samples.push((await inFlight(url)) ?? 0)
    await sleep(500)
  }
  const after = await succeeded(url, id)
  const took = (performance.now() - began) / 1_000
  rows.push({
    setting,
    perSecond: (after - before) / took,
    inFlight: samples.reduce((sum, sample) => sum + sample, 0) / samples.length,
  })
}

async function submit(url: string, count: number): Promise<Batch> {
  const extractor = { schema, instructions: 'Who wrote this?' }
  const response = await fetch(`${url}/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ extractor, items: texts(count) }),
  })
  if (response.status !== 202) throw new Error(`The batch was rejected: ${await response.text()}`)
  return (await response.json()) as Batch
}

async function succeeded(url: string, id: string): Promise<number> {
  return ((await (await fetch(`${url}/v1/batches/${id}`)).json()) as Batch).counts.succeeded
}

async function inFlight(url: string): Promise<number | undefined> {
  const { data } = (await (await fetch(`${url}/v1/lanes`)).json()) as { data: LaneView[] }
  return data.find(({ name }) => name === 'default')?.in_flight
}

function round(number: number, digits: number): number {
  return Number(number.toFixed(digits))
}
