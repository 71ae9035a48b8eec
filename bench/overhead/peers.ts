import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { OpenAI } from 'openai'
import { Pool } from 'undici'
import { texts } from '../texts.ts'
import { chatBody } from './chat-body.ts'

// What people run instead of Sluice, each in a separate process: `node peers.ts <name> <items> <calls in flight>`.
const [name, count, concurrency] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])]
const input = texts(count)
const results: unknown[] = []
const baseUrl = process.env['OPENAI_BASE_URL']!

type Call = (text: string) => Promise<unknown>

function viaSdk(options: { fetch?: typeof fetch } = {}): Call {
  const client = new OpenAI({ maxRetries: 0, ...options })
  return async (text) => {
    const completion = await client.chat.completions.create(chatBody(text))
    return JSON.parse(completion.choices[0]?.message.content ?? '')
  }
}

const pool = new Pool(new URL(baseUrl).origin, { connections: null, pipelining: 1 })

const poolFetch: typeof fetch = async (url, init = {}) => {
  const { statusCode, headers, body } = await pool.request({
    path: new URL(url instanceof Request ? url.url : url).pathname,
    method: init.method ?? 'GET',
    headers: Object.fromEntries(new Headers(init.headers)),
    body: (init.body ?? null) as string | null,
    signal: init.signal ?? null,
  })
  const list = Object.entries(headers).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, Array.isArray(value) ? value.join(', ') : value]],
  )
  return new Response(await body.text(), { status: statusCode, headers: list })
}

const viaUndici: Call = async (text) => {
  const { body } = await pool.request({
    path: '/v1/chat/completions',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(chatBody(text)),
  })
  const completion = (await body.json()) as { choices: [{ message: { content: string } }] }
  return JSON.parse(completion.choices[0].message.content)
}

/** As many loops as calls may be in flight. In memory: nothing survives a crash. */
async function loop(call: Call): Promise<void> {
  let next = 0
  const runs = Array.from({ length: concurrency }, async () => {
    while (next < input.length) {
      const index = next++
      results[index] = await call(input[index]!)
    }
  })
  await Promise.all(runs)
}

/** One job per item, as BullMQ's guide shows; results are return values. */
async function jobs(call: Call): Promise<void> {
  const connection = new Redis(process.env['REDIS_URL']!, { maxRetriesPerRequest: null })
  const queue = new Queue('overhead', { connection })
  const { promise, resolve } = Promise.withResolvers<void>()
  const worker = new Worker('overhead', (job) => call((job.data as { text: string }).text), { connection, concurrency })
  worker.on('completed', (_job, result) => {
    if (results.push(result) === count) resolve()
  })
  for (let at = 0; at < count; at += 1_000) {
    await queue.addBulk(input.slice(at, at + 1_000).map((text) => ({ name: 'item', data: { text } })))
  }
  await promise
  await worker.close()
  await queue.obliterate({ force: true })
  await queue.close()
  connection.disconnect()
}

const peers: Readonly<Record<string, () => Promise<void>>> = {
  'bare-loop': () => loop(viaSdk()),
  'sdk-over-pool': () => loop(viaSdk({ fetch: poolFetch })),
  undici: () => loop(viaUndici),
  'bullmq-job-per-item': () => jobs(viaSdk()),
}

const cpu = process.cpuUsage()
const began = performance.now()
await peers[name]!()
const seconds = (performance.now() - began) / 1_000
const { user, system } = process.cpuUsage(cpu)
await pool.destroy()
console.log(JSON.stringify({ seconds, cpuUs: user + system, done: results.length }))
