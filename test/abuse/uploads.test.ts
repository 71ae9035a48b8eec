import { gzipSync } from 'node:zlib'
import { setTimeout as sleep } from 'node:timers/promises'
import { readFile } from 'node:fs/promises'
import type { ChildProcess } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { people, person, startSystem, type System } from '../support/system.ts'
import { calm, errorOf, expectResponsive, openSocket, peakMb, send, watched, whileProbing } from './attack.ts'

const mb = 2 ** 20
const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' }
const path = '/v1/batches?extractor=person'

async function cpuMs({ pid }: ChildProcess): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Sends a request whole and leaves at once. */
async function sendAndLeave(system: System, target: string, body: Buffer): Promise<void> {
  const socket = await openSocket(system)
  const lines = Object.entries({ host: '127.0.0.1', ...headers, 'content-length': body.length })
  socket.write(`POST ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
  await new Promise<void>((resolve) => {
    socket.write(body, () => resolve())
  })
  await sleep(50)
  socket.destroy()
}

describe('an upload that unpacks to far more than it is', () => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ env: watched, keepFor: 'file' })
    await system.request('POST', '/v1/extractors', { name: 'person', ...person })
  })
  const bombs: [string, Buffer][] = [
    ['empty lines', gzipSync(Buffer.alloc(256 * mb, '\n'))],
    ['blank lines', gzipSync(Buffer.alloc(128 * mb, ' \n'))],
    ['lines that are no items', gzipSync(Buffer.alloc(128 * mb, '{\n'))],
    ['one line without an end', gzipSync(Buffer.alloc(256 * mb, ' '))],
    ['a text without an end', gzipSync(Buffer.concat([Buffer.from('"'), Buffer.alloc(256 * mb, 'x')]))],
    ['deep lines', gzipSync(Buffer.from(`${'['.repeat(100_000)}\n`.repeat(500)))],
    ['wide lines', gzipSync(Buffer.from(`{"text":"a","metadata":{"a":[${'[],'.repeat(2 * mb)}0]}}\n`.repeat(20)))],
  ]

  async function medianBatchMs(): Promise<number> {
    const times: number[] = []
    for (let at = 0; at < 5; at += 1) times.push(await smallBatchMs())
    return times.toSorted((a, b) => a - b)[2] ?? Number.NaN
  }

  async function smallBatchMs(): Promise<number> {
    const began = performance.now()
    const { id } = await system.submit(people(5))
    const ms = performance.now() - began
    await system.request('POST', `/v1/batches/${id}/cancel`)
    await system.request('DELETE', `/v1/batches/${id}`)
    return ms
  }

  test.each(bombs)('of %s is refused, in bounded time', async (_, body) => {
    for (const target of [path, `${path}&on_invalid=skip`]) {
      const began = performance.now()
      const answer = await send(system, 'POST', target, { headers, body })
      expect([400, 413]).toContain(answer.status)
      expect(errorOf(answer).message).toMatch(/line|times its size|item/i)
      expect(performance.now() - began).toBeLessThan(20_000)
    }
    expect((await system.request('GET', '/v1/batches')).body.data).toEqual([])
  })

  test('delays nobody else, ends with its sender, and many at once take little memory', async () => {
    const before = await calm(system)
    const calmMs = await medianBatchMs()
    let busyMs = 0
    const probe = await whileProbing(system, async () => {
      const until = performance.now() + 10_000
      while (performance.now() < until)
        await Promise.all([...bombs, ...bombs].map(([, body]) => sendAndLeave(system, `${path}&on_invalid=skip`, body)))
      busyMs = await medianBatchMs()
    })
    // Nothing goes on for those who have left.
    await expect
      .poll(
        async () => {
          const from = await cpuMs(system.api.child)
          await sleep(500)
          return (await cpuMs(system.api.child)) - from
        },
        { timeout: 20_000 },
      )
      .toBeLessThan(100)
    console.error('gzip bombs', { before, probe, calmMs, busyMs, peakMb: await peakMb(system.api.child) })
    expect(busyMs).toBeLessThan(5 * calmMs + 300)
    expectResponsive(before, probe)
    expect(await peakMb(system.api.child)).toBeLessThan(600)
    expect((await system.request('GET', '/v1/batches')).body.data).toEqual([])
  })

  test('a real upload of a hundred thousand similar items is taken, packed', async () => {
    const body = gzipSync(
      people(100_000)
        .map((text) => JSON.stringify(text))
        .join('\n'),
    )
    const answer = await send(system, 'POST', path, { headers, body })
    expect(answer.status).toBe(202)
    const { id } = JSON.parse(answer.text) as { id: string }
    await system.request('POST', `/v1/batches/${id}/cancel`)
    await system.request('DELETE', `/v1/batches/${id}`)
  })

  test('a body that is no gzip, or of an unknown encoding, is refused', async () => {
    const broken = await send(system, 'POST', path, { headers, body: 'plain' })
    expect([broken.status, errorOf(broken).param]).toEqual([400, 'content-encoding'])
    const unknown = await send(system, 'POST', path, {
      headers: { ...headers, 'content-encoding': 'zstd, gzip' },
      body: 'x',
    })
    expect(unknown.status).toBe(415)
  })

  test('lines without an end on many connections are refused when they take too much together', async () => {
    const line = Buffer.concat([Buffer.from('"'), Buffer.alloc(7 * mb, 'x')])
    const sockets = await Promise.all(Array.from({ length: 60 }, () => openSocket(system)))
    for (const socket of sockets) {
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`,
      )
      socket.write(`${line.length.toString(16)}\r\n`)
      socket.write(line)
      socket.write('\r\n')
    }
    await expect
      .poll(() => sockets.filter((one) => one.received().includes('503')).length, { timeout: 30_000 })
      .toBeGreaterThan(10)
    expect(sockets.find((one) => one.received().includes('503'))?.received()).toMatch(/retry-after: \d/i)
    for (const socket of sockets) socket.destroy()
    expect(await peakMb(system.api.child)).toBeLessThan(900)
    await expect
      .poll(
        async () =>
          (await send(system, 'POST', path, { headers: { 'content-type': 'application/x-ndjson' }, body: '"a"\n' }))
            .status,
      )
      .toBe(202)
  })
})
