import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { median } from '../median.ts'
import { cpuUs } from '../process-cpu.ts'
import { startSystem } from '../start-system.ts'
import { texts } from '../texts.ts'

/**
 * What one text through `POST /v1/extract` costs: CPU of worker, API and Redis, commands of Redis, and bytes that stay until its batch
 * is removed. Compared with a text of a batch of the same size on the same processes.
 */
const { values } = parseArgs({
  options: {
    texts: { type: 'string', default: '2000' },
    /** Requests at a time. */
    clients: { type: 'string', default: '20' },
    'latency-ms': { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
  },
})
const count = Number(values.texts)
const clients = Number(values.clients)
const schema = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
}

await using system = await startSystem({
  latencyMs: values['latency-ms'],
  worker: { SLUICE_CONCURRENCY: String(clients) },
})
const redis = new Redis(system.redis.url)
await using _redis = { [Symbol.asyncDispose]: async () => redis.disconnect() }

interface Costs {
  readonly worker: number
  readonly api: number
  readonly redis: number
  readonly commands: number
  readonly bytes: number
}

const ways = { '/v1/extract': extractAll, 'a batch': runBatch }
const measured = new Map<string, Costs[]>()
// The first round of each is a warm-up.
for (let round = 0; round <= Number(values.rounds); round += 1) {
  for (const [name, run] of Object.entries(ways)) {
    const costs = await costsOf(() => run(texts(count, round + 1)))
    if (round > 0) measured.set(name, [...(measured.get(name) ?? []), costs])
  }
}
const of = (all: readonly Costs[], kind: keyof Costs) => median(all.map((one) => one[kind]))
console.log(
  `${count.toLocaleString('en')} texts, ${clients} at a time, median of ${values.rounds} rounds, for each text`,
)
console.table(
  [...measured].map(([way, all]) => ({
    way,
    'worker CPU ms': of(all, 'worker').toFixed(2),
    'API CPU ms': of(all, 'api').toFixed(2),
    'Redis CPU ms': of(all, 'redis').toFixed(2),
    'commands, with those in scripts': of(all, 'commands').toFixed(1),
    'bytes kept': Math.round(of(all, 'bytes')),
  })),
)

async function post(path: string, body: unknown): Promise<{ id: string }> {
  const response = await fetch(`${system.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as { id: string }
}

async function extractAll(all: readonly string[]): Promise<void> {
  const waiting = all.values()
  const client = async () => {
    for (const text of waiting) await post('/v1/extract', { extractor: { schema }, text })
  }
  await Promise.all(Array.from({ length: clients }, client))
}

async function runBatch(all: readonly string[]): Promise<void> {
  const items = all.map((text, i) => ({ id: String(i), text }))
  const { id } = await post('/v1/batches', { extractor: { schema }, items })
  const results = await fetch(`${system.url}/v1/batches/${id}/results?follow=true`)
  const lines = (await results.text()).split('\n').length - 1
  if (lines < all.length) throw new Error(`${lines} of ${all.length} results came.`)
}

async function costsOf(act: () => Promise<void>): Promise<Costs> {
  const read = async () => ({
    worker: cpuUs(system.worker.pid),
    api: cpuUs(system.api.pid),
    redis: await redisCpuUs(),
    commands: await commands(),
    bytes: await usedMemory(),
  })
  const before = await read()
  await act()
  const after = await read()
  const each = (kind: keyof Costs) => (after[kind] - before[kind]) / count
  return {
    worker: each('worker') / 1_000,
    api: each('api') / 1_000,
    redis: each('redis') / 1_000,
    commands: each('commands'),
    bytes: each('bytes'),
  }
}

async function redisCpuUs(): Promise<number> {
  const info = await redis.info('cpu')
  const seconds = (kind: string) => Number(new RegExp(`^used_cpu_${kind}:(.*)`, 'm').exec(info)?.[1])
  return (seconds('user') + seconds('sys')) * 1e6
}

/** Also those that scripts run. */
async function commands(): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
}

async function usedMemory(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}
