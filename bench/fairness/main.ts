import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Engine } from '@sluice/engine/engine'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { extractor, openEngine } from '../instant-engine.ts'
import { texts } from '../texts.ts'
import { compareManyBatches } from './many-batches.ts'

/**
 * Ten items submitted after a large batch: when is the first one called, when is the last one done? And is the lane shared by weight?
 * With `--batches 900 --items 15`: as many items as one batch and as 900, and nothing else. `--paused 100000`: with as many paused batches.
 * `--measured 13500`: only so many of the items.
 */
const { values } = parseArgs({
  options: {
    large: { type: 'string', default: '50000' },
    concurrency: { type: 'string', default: '50' },
    'latency-ms': { type: 'string', default: '200' },
    batches: { type: 'string' },
    items: { type: 'string', default: '15' },
    paused: { type: 'string', default: '0' },
    measured: { type: 'string' },
    rounds: { type: 'string', default: '3' },
  },
})
const large = Number(values.large)
const concurrency = Number(values.concurrency)
const latencyMs = Number(values['latency-ms'])
const small = 10

if (values.batches !== undefined) {
  const [batches, itemsEach] = [Number(values.batches), Number(values.items)]
  await compareManyBatches({
    batches,
    itemsEach,
    paused: Number(values.paused),
    measured: Number(values.measured ?? batches * itemsEach),
    rounds: Number(values.rounds),
    concurrency,
    latencyMs,
  })
  process.exit(0)
}

await using server = await startOwnRedis()
const redis = new Redis(server.url, { maxRetriesPerRequest: null })
const opened = await openEngine(server.url, { concurrency, latencyMs })

const { engine } = opened

const second = await submit(engine, large, 10)
await sleep(3_000)
const began = performance.now()
const { id } = await submit(engine, small, 10)
let firstMs = 0
for await (const page of await engine.results.read(
  id,
  { order: 'completion', follow: true },
  { signal: new AbortController().signal },
)) {
  if (page.length > 0 && firstMs === 0) firstMs = performance.now() - began
}
const lastMs = performance.now() - began
await engine.batches.cancel(second.id)

const [light, heavy] = [await submit(engine, large, 10), await submit(engine, large, 30)]
const seconds = 10
await sleep(2_000)
const start = await Promise.all([done(light.id), done(heavy.id)])
await sleep(seconds * 1_000)
const end = await Promise.all([done(light.id), done(heavy.id)])
await Promise.all([engine.batches.cancel(light.id), engine.batches.cancel(heavy.id)])
await opened.close()

await redis.flushall()
const queue = new Queue('raw', { connection: redis })
const worker = new Worker('raw', () => sleep(latencyMs, {}), { connection: redis, concurrency })
const input = texts(large)
for (let at = 0; at < large; at += 1_000)
  await queue.addBulk(input.slice(at, at + 1_000).map((text) => ({ name: 'large', data: { text } })))
await sleep(3_000)
// At the end of one queue: the time is calculated from the rate, so that the benchmark need not wait for it.
const before = (await queue.getJobCounts('completed'))['completed'] ?? 0
await sleep(5_000)
const perSecond = (((await queue.getJobCounts('completed'))['completed'] ?? 0) - before) / 5
const waiting = (await queue.getJobCounts('wait'))['wait'] ?? 0
await worker.close(true)
await queue.close()
redis.disconnect()

console.log(
  `${small} items after ${large.toLocaleString('en')}, ${concurrency} calls in flight, ${latencyMs} ms per call`,
)
console.table([
  { way: 'Sluice', 'first result after s': round(firstMs / 1_000), 'last after s': round(lastMs / 1_000) },
  {
    way: 'BullMQ, one queue',
    'first result after s': round(waiting / perSecond),
    'last after s': round((waiting + small) / perSecond),
  },
])
const [lightDone, heavyDone] = [end[0] - start[0], end[1] - start[1]]
console.log(
  `Priority 10 against 30 on one lane for ${seconds} s: ${lightDone} against ${heavyDone} items, 1 to ${round(heavyDone / lightDone)}.`,
)

async function submit(on: Engine, size: number, priority: number) {
  const items = texts(size).map((text, i) => ({ id: String(i), text }))
  return (await on.batches.create({ extractor, options: { priority, metadata: {} } }, items)).batch
}

async function done(batchId: string): Promise<number> {
  return (await engine.batches.get(batchId)).counts.succeeded
}

function round(number: number): number {
  return Math.round(number * 100) / 100
}
