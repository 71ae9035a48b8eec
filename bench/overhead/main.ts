import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import type { Batch } from '@sluice/contract/batch'
import { median } from '../median.ts'
import { cpuUs } from '../process-cpu.ts'
import { startSystem, type System } from '../start-system.ts'
import { texts } from '../texts.ts'
import { chatBody, schema } from './chat-body.ts'

/**
 * The whole durable path on one worker, compared with what people run instead (`peers.ts`), in turns, against the same simulator: the
 * cost of durability in throughput and CPU. The first peer is the loop of the tutorials; ratios are to it.
 */
const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '5000' },
    /** Calls in flight, one table for each. */
    'in-flight': { type: 'string', default: '100,300,1000' },
    'latency-ms': { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
  },
})
const items = Number(values.items)
const rounds = Number(values.rounds)
const peers = {
  'bare-loop': 'loop over the SDK',
  'sdk-over-pool': 'SDK over a pool',
  undici: 'undici alone',
  'bullmq-job-per-item': 'BullMQ, a job per item',
}

interface Round {
  readonly perSecond: number
  /** Of the process that makes the calls. */
  readonly cpuUs: number
  /** Of API and Redis, for the same items. */
  readonly othersCpuUs: number
}

for (const inFlight of values['in-flight'].split(',')) await compare(inFlight)

async function compare(inFlight: string): Promise<void> {
  await using system = await startSystem({
    latencyMs: values['latency-ms'],
    worker: { SLUICE_CONCURRENCY: inFlight },
  })
  const ways: [name: string, run: () => Promise<Round>][] = [
    ...Object.entries(peers).map(([peer, name]): [string, () => Promise<Round>] => [
      name,
      () => runPeer(peer, system, inFlight),
    ]),
    ['Sluice, one worker', () => runSluice(system, extraction())],
    ['Sluice, raw requests', () => runSluice(system, rawRequests())],
  ]
  const measured = new Map<string, Round[]>(ways.map(([name]) => [name, []]))
  // The first round of each is a warm-up: compiled code, connections, the worker's caches.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, run] of ways) {
      const result = await run()
      if (round > 0) measured.get(name)!.push(result)
      const label = round === 0 ? 'warm-up' : `round ${round}`
      console.error(`${inFlight} in flight, ${label}, ${name}: ${result.perSecond.toFixed(1)} items/s`)
    }
  }
  report(inFlight, measured)
}

async function runPeer(peer: string, { redis, provider }: System, inFlight: string): Promise<Round> {
  const before = cpuUs(redis.pid())
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [fileURLToPath(new URL('peers.ts', import.meta.url)), peer, values.items, inFlight],
    { env: { ...process.env, ...provider, REDIS_URL: redis.url } },
  )
  const { seconds, cpuUs: own, done } = JSON.parse(stdout) as { seconds: number; cpuUs: number; done: number }
  if (done !== items) throw new Error(`${peer} completed ${done} of ${items} items.`)
  const ofRedis = peer.startsWith('bullmq') ? cpuUs(redis.pid()) - before : 0
  return { perSecond: items / seconds, cpuUs: own / items, othersCpuUs: ofRedis / items }
}

/** The body of a batch: texts with a schema. */
function extraction(): string {
  return JSON.stringify({ extractor: { schema, instructions: 'Who wrote this?' }, items: texts(items) })
}

/** The same calls as bodies that are sent as they are. */
function rawRequests(): string {
  const bodies = texts(items).map((text) => ({ body: chatBody(text) }))
  return JSON.stringify({ task: 'request', endpoint: '/v1/chat/completions', items: bodies })
}

async function runSluice({ redis, api, worker, url }: System, body: string): Promise<Round> {
  const before = [cpuUs(worker.pid), cpuUs(api.pid) + cpuUs(redis.pid())]
  const began = performance.now()
  const response = await fetch(`${url}/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (response.status !== 202) throw new Error(await response.text())
  const { id } = (await response.json()) as Batch
  // The stream of results ends when the batch has ended, so the time includes their delivery.
  const results = (await (await fetch(`${url}/v1/batches/${id}/results?order=completion&follow=true`)).text()).trimEnd()
  const seconds = (performance.now() - began) / 1_000
  const succeeded = results.split('\n').filter((line) => line.includes('"status":"succeeded"')).length
  if (succeeded !== items) throw new Error(`Sluice completed ${succeeded} of ${items} items.`)
  const after = [cpuUs(worker.pid), cpuUs(api.pid) + cpuUs(redis.pid())]
  return {
    perSecond: items / seconds,
    cpuUs: (after[0]! - before[0]!) / items,
    othersCpuUs: (after[1]! - before[1]!) / items,
  }
}

function report(inFlight: string, measured: ReadonlyMap<string, readonly Round[]>): void {
  const medians = [...measured].map(([way, all]) => ({
    way,
    perSecond: median(all.map((one) => one.perSecond)),
    cpu: median(all.map((one) => one.cpuUs)),
    others: median(all.map((one) => one.othersCpuUs)),
  }))
  const peer = medians[0]!
  console.log(
    `${items.toLocaleString('en')} items, ${inFlight} in flight, ${values['latency-ms']} ms per call, from submit to last result, median of ${rounds} rounds`,
  )
  console.table(
    medians.map(({ way, perSecond, cpu, others }) => ({
      way,
      'items/s': Number(perSecond.toFixed(1)),
      'of the loop': Number((perSecond / peer.perSecond).toFixed(3)),
      'CPU us an item': Math.round(cpu),
      'API and Redis, CPU us an item': Math.round(others),
      'whole path, of the loop': Number(((cpu + others) / peer.cpu).toFixed(2)),
    })),
  )
}
