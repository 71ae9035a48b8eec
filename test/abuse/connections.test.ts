import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { limits } from '../../apps/api/src/gate/limits.ts'
import { people, startSystem, type System } from '../support/system.ts'
import {
  bearer,
  calm,
  expectResponsive,
  key,
  openSocket,
  peakMb,
  secured,
  send,
  watched,
  whileProbing,
} from './attack.ts'

async function open(system: System, what: 'requests' | 'streams'): Promise<number> {
  const { text } = await send(system, 'GET', '/metrics', { headers: bearer })
  return Number(new RegExp(`sluice_api_${what}_open (\\d+)`).exec(text)?.[1])
}

test('clients that open more connections than there may be do not keep others out, nor end a stream', async () => {
  const system = await startSystem({ env: { ...secured, ...watched } })
  const { id } = (
    await system.request('POST', '/v1/batches', { extractor: { schema: { type: 'object' } }, items: ['a'] }, bearer)
  ).body
  const followed = await openSocket(system)
  followed.write(
    `GET /v1/batches/${id}/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key}\r\naccept: text/event-stream\r\n\r\n`,
  )
  await expect.poll(() => followed.received(), { timeout: 10_000 }).toContain('event: progress')

  const before = await calm(system)
  const sockets: Socket[] = []
  const probe = await whileProbing(system, async () => {
    while (sockets.length < limits.connections + 500) {
      const more = await Promise.all(Array.from({ length: 50 }, () => openSocket(system)))
      // Half of them send nothing; the others begin a request that does not end.
      for (const [at, socket] of more.entries()) if (at % 2 === 0) socket.write('GET /v1/lanes HTTP/1.1\r\nhost: a\r\n')
      sockets.push(...more)
    }
    const others = await Promise.all(
      Array.from({ length: 100 }, () => send(system, 'GET', '/v1/lanes', { headers: bearer })),
    )
    expect(others.filter(({ status }) => status !== 200)).toEqual([])
  })
  console.error('connections', { before, probe, peakMb: await peakMb(system.api.child) })
  expectResponsive(before, probe)
  // Those that were idle longest had to go.
  expect(sockets.filter(({ closed }) => closed).length).toBeGreaterThan(400)
  expect(sockets.at(-1)?.closed).toBe(false)
  expect(followed.closed).toBe(false)
  expect(await peakMb(system.api.child)).toBeLessThan(600)
})

test('ten thousand requests sent before an answer is read cost their sender the connection, and nobody else anything', async () => {
  const system = await startSystem({ env: { ...secured, ...watched } })
  const before = await calm(system)
  const requests = ['', `authorization: Bearer ${key}\r\n`].flatMap((authorization) =>
    ['/v1/lanes', '/queues/api/queues', '/openapi.json', '/docs/swagger-ui-bundle.js'].map(
      (path) => `GET ${path} HTTP/1.1\r\nhost: a\r\n${authorization}\r\n`,
    ),
  )
  const probe = await whileProbing(system, async () => {
    for (const request of requests) {
      const socket = await openSocket(system)
      socket.write(request.repeat(10_000))
      await expect.poll(() => socket.closed || socket.errored !== null, { timeout: 10_000 }).toBe(true)
    }
  })
  console.error('pipelining', { before, probe, peakMb: await peakMb(system.api.child) })
  // One chunk of what a socket received is read in one turn, though all but a few of its requests are dropped.
  expect(probe.failed).toBe(0)
  expect(probe.turns.max).toBeLessThan(250)
  expect(await peakMb(system.api.child)).toBeLessThan(600)
  await expect.poll(() => open(system, 'requests'), { timeout: 10_000 }).toBe(1)
})

test('a few requests sent at once are answered in their order', async () => {
  const system = await startSystem({ env: secured })
  const socket = await openSocket(system)
  const paths = ['/v1/lanes', '/healthz', '/v1/nothing', '/v1/batches', '/openapi.json', '/healthz']
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key}\r\n\r\n`).join(''))
  let text = ''
  await expect
    .poll(
      () => {
        text += socket.received().slice(text.length)
        return [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
      },
      { timeout: 10_000 },
    )
    .toEqual([200, 200, 404, 200, 200, 200])
})

test('streams that were asked for together end with their client, and give their places back', async () => {
  const system = await startSystem({ env: secured })
  const { body } = await system.request(
    'POST',
    '/v1/batches',
    { extractor: { schema: { type: 'object' } }, items: people(5) },
    bearer,
  )
  const ask = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key}\r\n\r\n`
  for (let round = 0; round < 3; round += 1) {
    const socket = await openSocket(system)
    const path = `/v1/batches/${body.id}`
    // Only the first one has its turn on this connection.
    socket.write(
      [`${path}/events`, `${path}/results?follow=true`, `${path}/events`, `${path}/results?follow=true`]
        .map(ask)
        .join(''),
    )
    await expect.poll(() => open(system, 'streams'), { timeout: 10_000 }).toBe(4)
    socket.destroy()
    await expect.poll(() => open(system, 'streams'), { timeout: 10_000 }).toBe(0)
    expect(await open(system, 'requests')).toBe(1)
  }
})

const patience = { SLUICE_BODY_IDLE_S: '2', SLUICE_READER_STALL_S: '3' }
const head = (authorization: string) =>
  `POST /v1/batches?extractor=person HTTP/1.1\r\nhost: 127.0.0.1\r\n${authorization}content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`

test('a body that stops, or that drips, is refused after SLUICE_BODY_IDLE_S; one that is slow but keeps coming is taken', async () => {
  const system = await startSystem({ env: { ...secured, ...patience } })
  await system.request('POST', '/v1/extractors', { name: 'person', schema: { type: 'object' } }, bearer)
  const authorization = `authorization: Bearer ${key}\r\n`
  const [stopped, dripping, slow] = await Promise.all([openSocket(system), openSocket(system), openSocket(system)])
  for (const socket of [stopped, dripping, slow]) socket.write(head(authorization))
  stopped.write('4\r\n"a"\n\r\n')
  const began = performance.now()
  const drip = setInterval(() => void (dripping.writable && dripping.write('1\r\n\n\r\n')), 100)
  const line = `${JSON.stringify('a text of more than sixty bytes, so that this sender is slow and not a drip')}\n`
  let sent = 0
  const steady = setInterval(() => {
    sent += 1
    slow.write(`${line.length.toString(16)}\r\n${line}\r\n`)
    if (sent < 10) return
    clearInterval(steady)
    slow.write('0\r\n\r\n')
  }, 700)
  for (const socket of [stopped, dripping]) {
    await expect.poll(() => socket.received(), { timeout: 20_000 }).toMatch(/^HTTP\/1.1 408[^]*request_timeout/)
    await expect.poll(() => socket.closed, { timeout: 20_000 }).toBe(true)
  }
  clearInterval(drip)
  expect(performance.now() - began).toBeGreaterThan(1_900)
  await expect.poll(() => slow.received(), { timeout: 20_000 }).toMatch(/^HTTP\/1.1 202/)
  expect((await system.request('GET', '/v1/batches', undefined, bearer)).body.data).toHaveLength(1)
})

test('a form that stops half-way gives back its place and its memory', async () => {
  const system = await startSystem({ env: { ...secured, ...patience } })
  const sockets = await Promise.all(Array.from({ length: 50 }, () => openSocket(system)))
  for (const socket of sockets) {
    socket.write(
      `POST /v1/batches HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key}\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 9000000\r\n\r\n` +
        `--x\r\ncontent-disposition: form-data; name="batch"\r\n\r\n{"extractor":{"schema":{"type":"object"}}}\r\n` +
        `--x\r\ncontent-disposition: form-data; name="documents"; filename="a.txt"\r\n\r\n${'x'.repeat(1_000_000)}`,
    )
  }
  await expect.poll(() => open(system, 'streams'), { timeout: 10_000 }).toBe(50)
  for (const socket of sockets)
    await expect.poll(() => socket.received(), { timeout: 30_000 }).toMatch(/^HTTP\/1.1 408/)
  await expect.poll(() => open(system, 'streams'), { timeout: 10_000 }).toBe(0)
  const { text } = await send(system, 'GET', '/metrics', { headers: bearer })
  expect(text).toContain('sluice_api_body_memory_bytes 0')
  expect((await system.request('GET', '/v1/batches', undefined, bearer)).body.data).toEqual([])
})

test('a reader that takes nothing is disconnected after SLUICE_READER_STALL_S; one that reads slowly gets everything', async () => {
  const system = await startSystem({ env: { ...secured, ...patience, SLUICE_READER_STALL_S: '5' } })
  await system.worker({ SLUICE_CONCURRENCY: '50' })
  const { body } = await system.request(
    'POST',
    '/v1/batches',
    {
      extractor: { schema: { type: 'object', properties: { name: { type: 'string' } } } },
      items: people(1_000).map((text) => ({ text, metadata: { note: 'x'.repeat(14_000) } })),
    },
    bearer,
  )
  const get = async () => (await system.request('GET', `/v1/batches/${body.id}`, undefined, bearer)).body
  await expect.poll(async () => (await get()).status, { timeout: 60_000 }).toBe('completed')
  const ask = `GET /v1/batches/${body.id}/results HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${key}\r\nconnection: close\r\n\r\n`
  const stalled = await openSocket(system)
  stalled.write(ask)
  const slow = await openSocket(system)
  slow.write(ask)
  await expect.poll(() => open(system, 'requests'), { timeout: 10_000 }).toBe(3)
  // For three times the limit 40 KB every tenth of a second, which Linux reports to the sender every few seconds; then as fast as it can.
  let bytes = 0
  const began = performance.now()
  while (!slow.readableEnded && !slow.closed && performance.now() - began < 60_000) {
    const tookMs = performance.now() - began
    const most = tookMs < 9_000 ? 40_000 * Math.ceil(tookMs / 100) : Number.POSITIVE_INFINITY
    while (bytes < most && !slow.readableEnded && !slow.closed) {
      const chunk = slow.read() as string | null
      if (chunk === null) await sleep(1)
      else bytes += chunk.length
    }
    await sleep(10)
  }
  expect(bytes).toBeGreaterThan(14_000_000)
  expect(performance.now() - began).toBeGreaterThan(9_000)
  await expect.poll(() => open(system, 'requests'), { timeout: 20_000 }).toBe(1)
  const line = system.api
    .output()
    .split('\n')
    .find((one) => one.includes('"left":true') && one.includes('/results'))
  expect(line).toBeDefined()
})

test('after a 401 neither dripping headers nor a dripping body holds a connection', async () => {
  const system = await startSystem({ env: secured })
  const body = await openSocket(system)
  body.write(head(''))
  const drip = setInterval(() => void (body.writable && body.write('1\r\n\n\r\n')), 200)
  await expect.poll(() => body.received(), { timeout: 5_000 }).toMatch(/^HTTP\/1.1 401/)
  await expect.poll(() => body.closed, { timeout: 10_000 }).toBe(true)
  clearInterval(drip)
  // The connection is kept after the first answer, and the headers of the second request never end.
  const headers = await openSocket(system)
  headers.write('GET /v1/lanes HTTP/1.1\r\nhost: a\r\n\r\n')
  await expect.poll(() => headers.received(), { timeout: 5_000 }).toMatch(/^HTTP\/1.1 401/)
  headers.write('GET /v1/lanes HTTP/1.1\r\nhost: a\r\n')
  const more = setInterval(() => void (headers.writable && headers.write('x-a: b\r\n')), 500)
  await expect
    .poll(() => headers.received(), { timeout: limits.headersMs + 15_000 })
    .toMatch(/HTTP\/1.1 408[^]*request_timeout/)
  await expect.poll(() => headers.closed).toBe(true)
  clearInterval(more)
}, 60_000)
