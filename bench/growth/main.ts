import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { parseArgs } from 'node:util'
import type { Batch } from '@sluice/contract/batch'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { run } from '@sluice/local/processes/app-process'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { openEngine } from '../instant-engine.ts'
import { peakMemoryMb } from '../peak-memory.ts'
import { cpuUs } from '../process-cpu.ts'
import { texts } from '../texts.ts'

/**
 * Measures CPU, bytes and memory of growing batches: uploaded through the API, run by a worker whose provider answers at once, read
 * through the API in both orders. Compared with BullMQ with one job per item, on the same Redis in the same run.
 */
const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000,1000000' },
    /** BullMQ alone keeps one job per item: a million take more than a gigabyte. */
    'bullmq-sizes': { type: 'string', default: '10000,100000' },
    concurrency: { type: 'string', default: '200' },
  },
})
const concurrency = Number(values.concurrency)
const sizesOf = (text: string) => text.split(',').map(Number)

await using server = await startOwnRedis()
const redis = new Redis(server.url, { maxRetriesPerRequest: null })
/** One column per run. */
const columns: Record<string, Record<string, number>> = {}

for (const size of sizesOf(values.sizes)) {
  await redis.flushall()
  const opened = await openEngine(server.url, { concurrency, latencyMs: 0 })
  // One process per size, so that its peak belongs to this size.
  await using api = await run(
    'api',
    { REDIS_URL: server.url, SLUICE_PREFIX: 'bench', OPENAI_API_KEY: 'none', SLUICE_MODEL: 'none', PORT: '0' },
    /(http:\/\/127\.0\.0\.1:\d+)/,
  )
  const url = api.ready[1]!
  let batchId = ''
  const staging = await measured(
    size,
    async () => {
      batchId = (await upload(url, size)).id
      // Only staging is measured here: items that were started meanwhile are released.
      await post(`${url}/v1/batches/${batchId}/pause`)
    },
    api.pid,
  )
  const uploadedMb = peakMemoryMb(api.pid)
  const running = await measured(size, async () => {
    await post(`${url}/v1/batches/${batchId}/resume`)
    const signal = new AbortController().signal
    for await (const now of opened.engine.batches.watch(batchId, { intervalMs: 1_000, signal }))
      progress('Sluice', size, now.counts.succeeded)
  })
  const reading = await measured(
    2 * size,
    async () => {
      for (const order of ['input', 'completion']) {
        const lines = await countResults(`${url}/v1/batches/${batchId}/results?order=${order}`)
        if (lines !== size) throw new Error(`${lines} of ${size} results in order of ${order}.`)
      }
    },
    api.pid,
  )
  columns[`Sluice, ${size.toLocaleString('en')}`] = {
    ...figures(size, staging, running),
    'results read /s': Math.round((2 * size) / reading.seconds),
    'peak memory of the API, MB: uploaded': uploadedMb,
    'and read in both orders': peakMemoryMb(api.pid),
  }
  await opened.close()
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
  columns[`BullMQ, ${size.toLocaleString('en')}`] = figures(size, staging, running)
}
redis.disconnect()
const names = [...new Set(Object.values(columns).flatMap((column) => Object.keys(column)))]
const line = (name: string) => Object.fromEntries(Object.entries(columns).map(([run, column]) => [run, column[name]]))
console.table(Object.fromEntries(names.map((name) => [name, line(name)])))

interface Measured {
  readonly seconds: number
  readonly cpuUs: number
  readonly redisCpuUs: number
  readonly bytes: number
}

/** CPU of this process, or of `pid`, and of Redis. */
async function measured(size: number, act: () => Promise<unknown>, pid?: number): Promise<Measured> {
  const before = await usage(pid)
  const began = performance.now()
  await act()
  const seconds = (performance.now() - began) / 1_000
  const after = await usage(pid)
  return {
    seconds,
    cpuUs: (after.own - before.own) / size,
    redisCpuUs: (after.redis - before.redis) / size,
    bytes: (after.bytes - before.bytes) / size,
  }
}

async function usage(pid: number | undefined) {
  const { user, system } = process.cpuUsage()
  const bytes = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
  return { own: pid === undefined ? user + system : cpuUs(pid), redis: cpuUs(server.pid()), bytes }
}

function figures(size: number, staging: Measured, running: Measured): Record<string, number> {
  return {
    'staged, items/s': Math.round(size / staging.seconds),
    'staging, CPU us an item': round(staging.cpuUs + staging.redisCpuUs),
    'staged, bytes an item': round(staging.bytes),
    'run, items/s': Math.round(size / running.seconds),
    'run, CPU us an item': round(running.cpuUs),
    'run, Redis CPU us an item': round(running.redisCpuUs),
    'results, bytes an item': round(running.bytes),
  }
}

async function post(url: string, body?: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body }),
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  await response.body?.cancel()
}

async function upload(url: string, size: number): Promise<Batch> {
  await post(`${url}/v1/extractors`, JSON.stringify({ name: 'bench', schema: { type: 'object' } }))
  const lines = ReadableStream.from(blocks(size)).pipeThrough(new TextEncoderStream())
  const response = await fetch(`${url}/v1/batches?extractor=bench`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines,
    duplex: 'half',
  })
  if (response.status !== 202) throw new Error(`The batch was rejected: ${await response.text()}`)
  return (await response.json()) as Batch
}

/** Several lines at a time, so that the cost of writing them is not measured. */
function* blocks(size: number) {
  let block = ''
  for (const item of items(size)) {
    block += `${JSON.stringify(item)}\n`
    if (block.length > 100_000) {
      yield block
      block = ''
    }
  }
  yield block
}

async function countResults(url: string): Promise<number> {
  const response = await fetch(url)
  let lines = 0
  for await (const line of createInterface({ input: Readable.fromWeb(response.body as ReadableStream) })) {
    if (line.startsWith('{"index":')) lines += 1
  }
  return lines
}

function round(number: number): number {
  return Math.round(number * 10) / 10
}

/** In pieces: a million texts at once would dominate the memory of this process. */
function* items(size: number) {
  for (let at = 0; at < size; at += 10_000) {
    for (const [i, text] of texts(Math.min(10_000, size - at), at + 1).entries()) yield { id: String(at + i), text }
  }
}

function progress(way: string, size: number, done: number): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r${way}, ${size.toLocaleString('en')} items: ${done.toLocaleString('en')} done   `)
}
