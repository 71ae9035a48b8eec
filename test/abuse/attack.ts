import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished } from 'vitest'
import type { System } from '../support/system.ts'

export const key = 'a-key-of-forty-characters-for-this-test-1'
export const secured = { SLUICE_API_KEYS: key }
export const bearer = { authorization: `Bearer ${key}` }
export const basic = { authorization: `Basic ${Buffer.from(`me:${key}`).toString('base64')}` }
export const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly text: string
}

/** A request as an attacker writes it: any header, any bytes. `fetch` would refuse some of them. */
export function send(
  system: Pick<System, 'url'>,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  const { port } = new URL(system.url)
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
        agent: false,
      },
      (res) => {
        text(res).then(
          (content) =>
            resolve({ status: res.statusCode ?? 0, headers: res.headers, rawHeaders: res.rawHeaders, text: content }),
          reject,
        )
      },
    )
    req.on('error', reject)
    req.end(body)
  })
}

export const errorOf = (answer: Answer): { type: string; code: string; message: string; param: string | null } =>
  (JSON.parse(answer.text) as { error: any }).error

/** A bare connection that is closed with the test. */
export async function openSocket(system: Pick<System, 'url'>): Promise<Socket & { received: () => string }> {
  const { port, hostname } = new URL(system.url)
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.setEncoding('latin1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  onTestFinished(() => void socket.destroy())
  return Object.assign(socket, {
    received: () => {
      for (let chunk = socket.read() as string | null; chunk !== null; chunk = socket.read() as string | null)
        received += chunk
      return received
    },
  })
}

/** For the environment of the API: its main thread reports how long its turns are. */
export const watched = { NODE_OPTIONS: `--import ${new URL('turns-process.ts', import.meta.url).href}` }

export interface Probe {
  /** Of the API's event loop: processor time between two rounds, in ms. What else this machine does is not in it. */
  readonly turns: { readonly count: number; readonly p99: number; readonly max: number }

  readonly count: number
  readonly failed: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Measures /healthz from another process while `act` runs. */
export async function whileProbing(system: Pick<System, 'url' | 'api'>, act: () => Promise<unknown>): Promise<Probe> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'probe-process.ts'), system.url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void (child.exitCode === null && child.kill('SIGKILL')))
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk))
  while (!printed.includes('ready')) await once(child.stdout, 'data')
  // Begins to count.
  system.api.child.kill('SIGUSR2')
  try {
    await act()
  } finally {
    child.stdin.end()
    await once(child, 'close')
  }
  const measured = JSON.parse(printed.split('\n').findLast((line) => line.startsWith('{')) ?? '{}') as Omit<
    Probe,
    'turns'
  >
  const turns = system.api
    .output()
    .split('\n')
    .findLast((line) => line.startsWith('{"turns"'))
  if (turns === undefined) throw new Error('Start the system with the environment `watched`.')
  return { ...measured, ...(JSON.parse(turns) as Pick<Probe, 'turns'>) }
}

/** How long /healthz takes on this machine now, without an attack: other work on it counts there, too. */
export function calm(system: Pick<System, 'url' | 'api'>): Promise<Probe> {
  return whileProbing(system, () => new Promise((resolve) => setTimeout(resolve, 2_000)))
}

/** What /healthz takes on a machine that does nothing else, in ms. */
const quietMs = 4

/**
 * An attack does not delay others: 99 of 100 requests are answered within 50 ms. On a machine that is busy with other work, that work
 * decides how long they take; then the processor time of the turns of the API must be as short.
 */
export function expectResponsive(before: Probe, probe: Probe): void {
  expect(probe.failed).toBe(0)
  expect(probe.turns.p99).toBeLessThan(50)
  if (before.p99 < quietMs) expect(probe.p99).toBeLessThan(50)
}

/** The most memory that a process has had resident, in MB. */
export async function peakMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024
}

export async function residentMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024
}
