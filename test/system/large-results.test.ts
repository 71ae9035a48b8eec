import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { startOwnRedis } from '@sluice/local/redis/own-redis'
import { Redis } from 'ioredis'
import { expect, inject, onTestFinished, test } from 'vitest'
import { people, startSystem } from '../support/system.ts'

const mb = 1_048_576
/** In Redis, so that this process never holds the results. One at a time: Redis answers no other client meanwhile, and the API would take it for silent. */
const addResult = `
  local index, data = ARGV[1], string.rep('x', tonumber(ARGV[2]))
  redis.call('RPUSH', KEYS[1], index)
  redis.call('HSET', KEYS[2], index, index .. '|{"status":"succeeded","data":"' .. data .. '","usage":{"input_tokens":1,"output_tokens":1},"attempts":1}')`

/** The results of a batch, all of this size, and its end. */
async function fillResults(redis: Redis, id: string, { count, size }: { count: number; size: number }): Promise<void> {
  const base = await keyBase(redis, id)
  for (let index = 0; index < count; index += 1) {
    await redis.eval(addResult, 2, `${base}:done`, `${base}:results`, index, size)
  }
  await redis.hset(`${base}:meta`, { status: 'completed', succeeded: count, finished_at: 1 })
}

function openRedis(url: string): Redis {
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  return redis
}

/** The part of its keys' names that a batch's keys share. */
async function keyBase(redis: Redis, id: string): Promise<string> {
  for await (const page of redis.scanStream({ match: `*{${id}}:meta`, count: 1_000 })) {
    const [key] = page as string[]
    if (key !== undefined) return key.slice(0, -':meta'.length)
  }
  throw new Error(`There is no batch '${id}' in Redis.`)
}

function peakMemory(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

test.each(['input', 'completion'])(
  'results of 2.3 MB each are read in the memory of a few, in %s order, by a reader that is slow',
  async (order) => {
    // Other tests use the suite's Redis, which is late for everyone while it copies megabytes.
    const own = await startOwnRedis()
    onTestFinished(() => own[Symbol.asyncDispose]())
    const redis = openRedis(own.url)
    const system = await startSystem({ redisUrl: own.url, env: { NODE_OPTIONS: '--max-old-space-size=128' } })
    const count = 60
    const { id } = await system.submit(people(count))
    await fillResults(redis, id, { count, size: 2.3 * mb })
    // On a busy machine that took so long that the API connects again.
    while ((await system.request('GET', `/v1/batches/${id}`)).status !== 200) await sleep(100)
    const before = peakMemory(system.api.child.pid!)
    const response = await fetch(`${system.url}/v1/batches/${id}/results?order=${order}`, {
      headers: { accept: 'application/x-ndjson' },
    })
    // The API may read ahead as far as it likes.
    await sleep(1_000)
    let seen = 0
    for await (const line of createInterface({ input: Readable.fromWeb(response.body! as any) })) {
      expect((JSON.parse(line) as { index: number }).index).toBe(seen)
      seen += 1
    }
    expect(seen).toBe(count)
    // All results are 138 MB, and were held several times: as bytes, text, values and text again. A page is 1 MB or one result.
    expect(peakMemory(system.api.child.pid!) - before).toBeLessThan(160 * mb)
  },
)

test('40 readers of results of 5 MB, all slow at first, are served at once in bounded memory', async () => {
  const own = await startOwnRedis()
  onTestFinished(() => own[Symbol.asyncDispose]())
  const redis = openRedis(own.url)
  const system = await startSystem({ redisUrl: own.url, env: { NODE_OPTIONS: '--max-old-space-size=384' } })
  const [count, readers] = [2, 40]
  const { id } = await system.submit(people(count))
  await fillResults(redis, id, { count, size: 5 * mb })
  const before = peakMemory(system.api.child.pid!)
  const read = async () => {
    const response = await fetch(`${system.url}/v1/batches/${id}/results`, {
      headers: { accept: 'application/x-ndjson' },
    })
    await sleep(1_500)
    let bytes = 0
    for await (const chunk of response.body!) bytes += (chunk as Uint8Array).length
    return bytes
  }
  const seen = await Promise.all(Array.from({ length: readers }, read))
  expect(Math.min(...seen)).toBeGreaterThan(count * 5 * mb)
  // 40 x 5 MB, each held up to four times, are 800 MB, and V8 ends a process that needs more than its 384 MB.
  expect(peakMemory(system.api.child.pid!) - before).toBeLessThan(450 * mb)
})

test('metadata above 16 KB is rejected, with its line and field, and nothing is stored', async () => {
  const system = await startSystem()
  await system.request('POST', '/v1/extractors', { name: 'person', schema: { type: 'object' }, instructions: '' })
  const line = (length: number) => JSON.stringify({ text: 'a', metadata: { note: 'x'.repeat(length) } })
  const send = (body: string) =>
    fetch(`${system.url}/v1/batches?extractor=person`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    })
  const refused = await send(`${line(10)}\n${line(17_000)}\n`)
  expect(refused.status).toBe(400)
  expect(((await refused.json()) as any).error).toMatchObject({
    code: 'invalid_item',
    param: 'line 2: metadata',
    message: expect.stringContaining('16,384'),
  })
  expect((await system.request('GET', '/v1/batches')).body.data).toEqual([])
  expect((await send(line(16_000))).status).toBe(202)
})

test('a client that leaves at once leaves no subscription and no timer', async () => {
  const system = await startSystem()
  const redis = openRedis(inject('redisUrl'))
  const { id } = await system.submit(people(1))
  const channel = `${await keyBase(redis, id)}:changes`
  const { port } = new URL(system.url)
  const leave = async (path: string, afterMs: number) => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: text/event-stream\r\n\r\n`)
    await sleep(afterMs)
    socket.destroy()
  }
  // Each subscription of the API has a listener with a timer: the last listener ends the subscription.
  for (let round = 0; round < 25; round += 1) {
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        leave(`/v1/batches/${id}/${i % 4 === 3 ? 'results?follow=true' : 'events'}`, i % 5),
      ),
    )
  }
  // The API has handled them all once it answers a later request.
  expect((await system.batch(id)).status).toBe('in_progress')
  await expect.poll(async () => (await redis.pubsub('NUMSUB', channel))[1]).toBe(0)
})
