import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, inject, onTestFinished, test } from 'vitest'
import { limits } from '../../apps/api/src/gate/limits.ts'
import { people, startSystem, type System } from '../support/system.ts'
import {
  bearer,
  calm,
  errorOf,
  expectResponsive,
  openSocket,
  residentMb,
  secured,
  send,
  watched,
  whileProbing,
} from './attack.ts'

const openFiles = async (system: System) => (await readdir(`/proc/${system.api.child.pid}/fd`)).length

async function redisClients(): Promise<number> {
  const redis = new Redis(inject('redisUrl'))
  const clients = String(await redis.client('LIST'))
    .trim()
    .split('\n').length
  await redis.quit()
  return clients
}

/** Another process that asks for streams and never reads them; it gives way to other processes, so that the API is measured and not it. */
async function startFollowers(
  system: System,
  paths: readonly string[],
): Promise<{ follow: (count: number) => Promise<void>; leave: () => void }> {
  const program = [process.execPath, join(import.meta.dirname, 'follow-process.ts')]
  const child = spawn('nice', ['-n', '10', ...program, system.url, bearer.authorization, ...paths], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return {
    async follow(count) {
      child.stdin.write(`${count}\n`)
      await lines.next()
    },
    leave: () => child.stdin.end(),
  }
}

test('500 followers that do not read: those beyond the limit get 429, nobody waits for them, and all is as before when they go', async () => {
  // The heap of a container of 768 MB: without a limit V8 leaves garbage where it is, and the peak says nothing.
  const env = { ...secured, ...watched, NODE_OPTIONS: `${watched.NODE_OPTIONS} --max-old-space-size=384` }
  const system = await startSystem({ env })
  await system.worker({ SLUICE_CONCURRENCY: '50' })
  const created = await system.request(
    'POST',
    '/v1/batches',
    {
      extractor: { schema: { type: 'object', properties: { name: { type: 'string' } } } },
      items: people(2_000).map((text) => ({ text, metadata: { note: 'x'.repeat(14_000) } })),
    },
    bearer,
  )
  const { id } = created.body
  await expect
    .poll(async () => (await system.request('GET', `/v1/batches/${id}`, undefined, bearer)).body.status, {
      timeout: 60_000,
    })
    .toBe('completed')
  const before = {
    files: await openFiles(system),
    redis: await redisClients(),
    probe: await calm(system),
    mb: await residentMb(system.api.child),
  }

  const kinds = [`/v1/batches/${id}/results?follow=true`, `/v1/batches/${id}/results?order=completion&follow=true`]
  const followers = await startFollowers(system, kinds)
  let during = { redis: 0, mb: 0 }
  const probe = await whileProbing(system, async () => {
    await followers.follow(500)
    await expect
      .poll(
        async () => {
          const metrics = (await send(system, 'GET', '/metrics', { headers: bearer })).text
          const open = Number(/sluice_api_streams_open (\d+)/.exec(metrics)?.[1])
          // On a busy machine Redis may be too slow for some of them, which are cut: others take their places.
          if (open < limits.streams.perCaller) await followers.follow(limits.streams.perCaller - open)
          return open
        },
        { timeout: 20_000 },
      )
      .toBe(limits.streams.perCaller)
    const refused = await send(system, 'GET', kinds[0]!, { headers: bearer })
    expect([refused.status, errorOf(refused).code, Number(refused.headers['retry-after'])]).toEqual([
      429,
      'too_many_streams',
      5,
    ])
    await sleep(5_000)
    during = { redis: await redisClients(), mb: await residentMb(system.api.child) }
    // What does not last is answered all the while.
    expect((await send(system, 'GET', `/v1/batches/${id}`, { headers: bearer })).status).toBe(200)
  })
  followers.leave()
  await expect.poll(() => openFiles(system), { timeout: 20_000 }).toBeLessThanOrEqual(before.files + 3)
  await expect.poll(redisClients, { timeout: 20_000 }).toBeLessThanOrEqual(before.redis + 1)
  const metrics = (await send(system, 'GET', '/metrics', { headers: bearer })).text
  expect(metrics).toContain('sluice_api_streams_open 0')
  console.error('followers', { before, during, probe, after: await residentMb(system.api.child) })
  expect(during.redis).toBeLessThanOrEqual(before.redis + 2)
  expect(during.mb).toBeLessThan(800)
  // V8 keeps some of its heap.
  expect(await residentMb(system.api.child)).toBeLessThan(before.mb + 300)
  expectResponsive(before.probe, probe)
  expect((await send(system, 'GET', `/v1/batches/${id}/results`, { headers: bearer })).text.split('\n')).toHaveLength(
    2_001,
  )
})

test('a HEAD of a stream is answered and holds nothing open', async () => {
  const system = await startSystem()
  const { id } = await system.submit(people(3))
  for (const what of ['results?follow=true', 'events']) {
    const socket = await openSocket(system)
    socket.write(`HEAD /v1/batches/${id}/${what} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`)
    await expect.poll(() => socket.received(), { timeout: 5_000 }).toMatch(/^HTTP\/1.1 200/)
    await expect.poll(() => socket.closed || socket.readableEnded, { timeout: 5_000 }).toBe(true)
  }
})

test('whoever follows a batch that is cancelled and deleted gets its last state, or is told that it is gone', async () => {
  const system = await startSystem()
  const { id } = await system.submit(people(3))
  const [events, results] = await Promise.all([openSocket(system), openSocket(system)])
  const ask = (what: string) => `GET /v1/batches/${id}/${what} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`
  events.write(ask('events'))
  results.write(ask('results?follow=true&order=completion'))
  await expect.poll(() => events.received(), { timeout: 10_000 }).toContain('event: progress')
  expect((await system.request('DELETE', `/v1/batches/${id}`)).status).toBe(409)
  expect((await system.request('POST', `/v1/batches/${id}/cancel`)).status).toBe(200)
  await expect.poll(async () => (await system.request('DELETE', `/v1/batches/${id}`)).status).toBe(200)
  await expect.poll(() => (events.received(), events.readableEnded || events.closed)).toBe(true)
  await expect.poll(() => (results.received(), results.readableEnded || results.closed)).toBe(true)
  expect(events.received()).toMatch(
    /(?:"status":"cancelled"[^\n]*|event: gone\ndata: \{"id":"batch_\w+"\})\n\n[^]*event: end/,
  )
  // Either every item and the end, or a stream that was cut.
  const text = results.received()
  expect(text.endsWith('0\r\n\r\n')).toBe((text.match(/"status":"cancelled"/g) ?? []).length === 3)
})

test('headers that drip, and bodies that stop behind an answer, do not hold a connection', async () => {
  const system = await startSystem({ env: secured })
  const began = performance.now()
  const dripping = await openSocket(system)
  dripping.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n')
  const drip = setInterval(() => void (dripping.writable && dripping.write('x-a: b\r\n')), 500)
  const unknown = await openSocket(system)
  unknown.write(
    'POST /v1/batches HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-ndjson\r\ncontent-length: 1000000\r\n\r\n"a"\n',
  )
  await expect.poll(() => unknown.received(), { timeout: 5_000 }).toMatch(/^HTTP\/1.1 401/)
  await expect.poll(() => unknown.closed, { timeout: 10_000 }).toBe(true)
  const endless = await openSocket(system)
  endless.write(
    'POST /v1/batches HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n',
  )
  const flood = setInterval(() => void (endless.writable && endless.write(`10000\r\n${'x'.repeat(65_536)}\r\n`)), 10)
  await expect.poll(() => endless.closed, { timeout: 15_000 }).toBe(true)
  clearInterval(flood)
  await expect.poll(() => dripping.received(), { timeout: 40_000 }).toMatch(/^HTTP\/1.1 408/)
  clearInterval(drip)
  expect(JSON.parse(dripping.received().split('\r\n\r\n')[1] ?? '')).toMatchObject({
    error: { code: 'request_timeout' },
  })
  expect(performance.now() - began).toBeLessThan(60_000)
})

test.each([
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['a header flood', `GET /healthz HTTP/1.1\r\n${`x-${'a'.repeat(50)}: b\r\n`.repeat(2_000)}\r\n`, 431],
  ['two lengths', 'POST /v1/batches HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab', 400],
  [
    'length and chunks',
    'POST /v1/batches HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'broken chunks',
    'POST /v1/extractors HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    400,
  ],
])('%s is answered in the one error shape', async (_, request, status) => {
  const system = await startSystem()
  const socket = await openSocket(system)
  socket.write(request)
  await expect.poll(() => socket.received(), { timeout: 10_000 }).toMatch(new RegExp(`^HTTP/1.1 ${status}`))
  await expect.poll(() => socket.received().split('\r\n\r\n')[1] ?? '', { timeout: 5_000 }).toContain('}}')
  expect(JSON.parse(socket.received().split('\r\n\r\n')[1] ?? '')).toMatchObject({
    error: { type: 'invalid_request_error' },
  })
  expect((await fetch(`${system.url}/healthz`)).status).toBe(200)
})
