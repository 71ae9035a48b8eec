import { parseArgs } from 'node:util'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { startOwnRedis } from '../../scripts/redis/own-redis.ts'
import { extractor, openEngine } from '../instant-engine.ts'
import { cpuUs } from '../process-cpu.ts'
import { texts } from '../texts.ts'

/** CPU and bytes an item while batches grow, against BullMQ with a job for each item, on the same Redis in the same run. */
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000,1000000' },
    /** Raw BullMQ keeps a job for each item: at a million it takes more than a gigabyte. */
    'bullmq-sizes': { type: 'string', default: '10000,100000' },
    concurrency: { type: 'string', default: '200' },
  },
})
const concurrency = Number(values.concurrency)
const sizesOf = (text: string) => text.split(',').map(Number)

await using server = await startOwnRedis()
const redis = new Redis(server.url, { maxRetriesPerRequest: null })
const rows: object[] = []

for (const size of sizesOf(values.sizes)) {
  await redis.flushall()
  const opened = await openEngine(server.url, { concurrency, latencyMs: 0 })
  const { engine } = opened
  const staging = await measured(size, () =>
    engine.batches.create({ extractor, options: { priority: 10, metadata: {} } }, items(size)),
  )
  const [batch] = (await engine.batches.list({ limit: 1 })).data
  const running = await measured(size, async () => {
    const signal = new AbortController().signal
    for await (const now of engine.batches.watch(batch!.id, { intervalMs: 1_000, signal }))
      progress('Sluice', size, now.counts.succeeded)
  })
  await opened.close()
  rows.push(row('Sluice', size, staging, running))
}

for (const size of sizesOf(values['bullmq-sizes'])) {
  await redis.flushall()
  const queue = new Queue('raw', { connection: redis })
  const staging = await measured(size, async () => {
    let jobs: { name: string; data: object }[] = []
    for (const { text } of items(size)) {
      jobs.push({ name: 'item', data: { text } })
      if (jobs.length === 1_000) await queue.addBulk(jobs.splice(0))
    }
    if (jobs.length > 0) await queue.addBulk(jobs)
  })
  const running = await measured(size, async () => {
    let done = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    const worker = new Worker('raw', async () => ({ name: 'Mary', age: 21 }), { connection: redis, concurrency })
    worker.on('completed', () => {
      done += 1
      if (done % 5_000 === 0) progress('BullMQ', size, done)
      if (done === size) resolve()
    })
    await promise
    await worker.close()
  })
  await queue.close()
  rows.push(row('BullMQ, a job an item', size, staging, running))
}
redis.disconnect()
console.table(rows)

interface Measured {
  readonly seconds: number
  readonly cpuUs: number
  readonly redisCpuUs: number
  readonly bytes: number
}

async function measured(size: number, act: () => Promise<unknown>): Promise<Measured> {
  const before = await usage()
  const began = performance.now()
  await act()
  const seconds = (performance.now() - began) / 1_000
  const after = await usage()
  return {
    seconds,
    cpuUs: (after.own - before.own) / size,
    redisCpuUs: (after.redis - before.redis) / size,
    bytes: (after.bytes - before.bytes) / size,
  }
}

async function usage() {
  const { user, system } = process.cpuUsage()
  const bytes = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
  return { own: user + system, redis: cpuUs(server.pid()), bytes }
}

function row(way: string, size: number, staging: Measured, running: Measured): object {
  return {
    way,
    items: size.toLocaleString('en'),
    'staging, CPU us an item': round(staging.cpuUs + staging.redisCpuUs),
    'staged, bytes an item': round(staging.bytes),
    'run, items/s': Math.round(size / running.seconds),
    'run, CPU us an item': round(running.cpuUs),
    'run, Redis CPU us an item': round(running.redisCpuUs),
    'results, bytes an item': round(running.bytes),
    'peak memory of this process, MB': Math.round(process.resourceUsage().maxRSS / 1_024),
  }
}

function round(number: number): number {
  return Math.round(number * 10) / 10
}

/** In pieces: a million texts at once would be what the memory of this process shows. */
function* items(size: number) {
  for (let at = 0; at < size; at += 10_000) {
    for (const [i, text] of texts(Math.min(10_000, size - at), at + 1).entries()) yield { id: String(at + i), text }
  }
}

function progress(way: string, size: number, done: number): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r${way}, ${size.toLocaleString('en')} items: ${done.toLocaleString('en')} done   `)
}
