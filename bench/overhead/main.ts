import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import type { Batch } from '@sluice/contract/batch'
import { median } from '../median.ts'
import { cpuUs } from '../process-cpu.ts'
import { startSystem } from '../start-system.ts'
import { texts } from '../texts.ts'
import { schema } from './schema.ts'

/**
 * The whole durable path on one worker, compared with a pool of promises of the same size in memory, in turns, against the same
 * simulator: the cost of durability in throughput and CPU.
 */
const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '5000' },
    concurrency: { type: 'string', default: '100' },
    'latency-ms': { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
  },
})
const items = Number(values.items)
const rounds = Number(values.rounds)

await using system = await startSystem({
  latencyMs: values['latency-ms'],
  worker: { SLUICE_CONCURRENCY: values.concurrency },
})
const { redis, api, worker, url, provider } = system

interface Round {
  readonly perSecond: number
  readonly cpuUs: number
  /** CPU of API and Redis, for the same items. */
  readonly othersCpuUs: number
}

const ways: Record<string, () => Promise<Round>> = {
  async 'Promise.all pool, default SDK'() {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [fileURLToPath(new URL('pool.ts', import.meta.url)), values.items, values.concurrency],
      { env: { ...process.env, ...provider } },
    )
    const { seconds, cpuUs, done } = JSON.parse(stdout) as { seconds: number; cpuUs: number; done: number }
    if (done !== items) throw new Error(`The pool completed ${done} of ${items} items.`)
    return { perSecond: items / seconds, cpuUs: cpuUs / items, othersCpuUs: 0 }
  },
  async 'Sluice, one worker'() {
    const extractor = { schema, instructions: 'Who wrote this?' }
    const body = JSON.stringify({ extractor, items: texts(items) })
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
    const results = (
      await (await fetch(`${url}/v1/batches/${id}/results?order=completion&follow=true`)).text()
    ).trimEnd()
    const seconds = (performance.now() - began) / 1_000
    const succeeded = results.split('\n').filter((line) => line.includes('"status":"succeeded"')).length
    if (succeeded !== items) throw new Error(`Sluice completed ${succeeded} of ${items} items.`)
    const after = [cpuUs(worker.pid), cpuUs(api.pid) + cpuUs(redis.pid())]
    return {
      perSecond: items / seconds,
      cpuUs: (after[0]! - before[0]!) / items,
      othersCpuUs: (after[1]! - before[1]!) / items,
    }
  },
}

const measured = new Map<string, Round[]>(Object.keys(ways).map((name) => [name, []]))
// The first round of each is a warm-up: compiled code, connections, the worker's caches.
for (let round = 0; round <= rounds; round += 1) {
  for (const [name, way] of Object.entries(ways)) {
    const result = await way()
    if (round > 0) measured.get(name)!.push(result)
    console.error(`${round === 0 ? 'warm-up' : `round ${round}`}, ${name}: ${result.perSecond.toFixed(1)} items/s`)
  }
}

const rows = [...measured].map(([way, all]) => ({
  way,
  'items/s': Number(median(all.map((one) => one.perSecond)).toFixed(1)),
  'CPU us an item': Math.round(median(all.map((one) => one.cpuUs))),
  'API and Redis, CPU us an item': Math.round(median(all.map((one) => one.othersCpuUs))),
}))
console.log(
  `${items.toLocaleString('en')} items, ${values.concurrency} at a time, ${values['latency-ms']} ms per call, from submit to last result, median of ${rounds} rounds`,
)
console.table(rows)
const [pool, sluice] = rows
console.log(
  `Throughput ${(sluice!['items/s'] / pool!['items/s']).toFixed(3)} of the pool's, CPU of the worker ${(sluice!['CPU us an item'] / pool!['CPU us an item']).toFixed(2)} of the pool's.`,
)
