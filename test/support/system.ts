import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '@sluice/contract/batch'
import type { Result } from '@sluice/contract/result'
import { afterAll, afterEach, expect, inject, onTestFailed } from 'vitest'
import { run, type Running } from '@sluice/local/processes/app-process'

/** Sluice as it runs for a user, in separate processes. It uses the suite's Redis with a random key prefix. */
export interface System {
  readonly url: string
  readonly simulatorUrl: string
  readonly api: Running
  /**
   * How much slower than usual this machine was when the system started, from 1: an API starts within a second on an idle one. Tests of
   * promises in milliseconds multiply by it, because other programs may keep every processor busy.
   */
  readonly slowdown: number
  worker(env?: Record<string, string>): Promise<Running>
  /** The address of one more API process; on a port, once the one that had it has ended. */
  anotherApi(port?: number): Promise<string>
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: any }>
  submit(texts: readonly string[], options?: Record<string, unknown>): Promise<Batch>
  batch(id: string): Promise<Batch>
  /** All results, once the batch has ended. */
  results(id: string, query?: string): Promise<Result[]>
  /** Resolves when `enough` accepts the batch; rejects after `limitMs`, which is for a test that would wait forever. */
  until(id: string, enough: (batch: Batch) => boolean, limitMs?: number): Promise<Batch>
  simulator: {
    set(path: 'faults' | 'limits' | 'latency', body: unknown): Promise<void>
    stats(): Promise<any>
  }
}

const usualStartMs = 1_000

const cleanups = { test: [] as (() => Promise<unknown>)[], file: [] as (() => Promise<unknown>)[] }
const cleanUp = async (keptFor: keyof typeof cleanups) => {
  for (const cleanup of cleanups[keptFor].splice(0).reverse()) await cleanup()
}
afterEach(() => cleanUp('test'))
afterAll(() => cleanUp('file'))

export const person = {
  schema: {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
    additionalProperties: false,
  },
  instructions: 'Extract the person.',
}

const names = ['John', 'Mary', 'Bob', 'Alice', 'Jane', 'Joe', 'Jill', 'Peter', 'Laura', 'Simon']
export function people(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => `My name is ${names[i % names.length]} and I am ${20 + (i % 60)} years old. Ticket ${i}.`,
  )
}

export interface SystemOptions {
  readonly simulator?: Record<string, string>
  readonly env?: Record<string, string>
  readonly redisUrl?: string
  /** How long it runs: until the end of the test that started it, or, started by `beforeAll`, of the file. */
  readonly keepFor?: keyof typeof cleanups
}

export async function startSystem({
  simulator: simulatorEnv = {},
  env = {},
  redisUrl = inject('redisUrl'),
  keepFor = 'test',
}: SystemOptions = {}): Promise<System> {
  const running: Running[] = []
  const start = async (...args: Parameters<typeof run>) => {
    const one = await run(...args)
    running.push(one)
    cleanups[keepFor].push(() => one.stop('SIGKILL'))
    return one
  }
  if (keepFor === 'test') {
    onTestFailed(() => {
      for (const one of running) console.error(`--- ${one.child.spawnargs.join(' ')}\n${one.output().slice(-3_000)}`)
    })
  }

  const simulator = await start(
    'simulator',
    { SIMULATOR_PORT: '0', SIMULATOR_LATENCY_MS: '50', ...simulatorEnv },
    /(http:\/\/127\.0\.0\.1:\d+)/,
  )
  const simulatorUrl = simulator.ready[1]!
  const common = {
    REDIS_URL: redisUrl,
    SLUICE_PREFIX: `test-${randomBytes(5).toString('hex')}`,
    OPENAI_BASE_URL: `${simulatorUrl}/v1`,
    OPENAI_API_KEY: 'simulator',
    SLUICE_MODEL: 'simulator',
    ...env,
  }
  const startedAt = performance.now()
  const api = await start('api', { ...common, PORT: '0' }, /(http:\/\/127\.0\.0\.1:\d+)/)
  const slowdown = Math.max(1, (performance.now() - startedAt) / usualStartMs)
  const url = api.ready[1]!

  const request: System['request'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }
  const ok: System['request'] = async (...args) => {
    const answer = await request(...args)
    if (answer.status >= 400) throw new Error(`${args[0]} ${args[1]}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }
  const batch = async (id: string) => (await ok('GET', `/v1/batches/${id}`)).body as Batch

  return {
    url,
    simulatorUrl,
    api,
    slowdown,
    worker: (more = {}) => start('worker', { ...common, ...more }, /worker ready/),
    anotherApi: async (port = 0) =>
      (await start('api', { ...common, PORT: String(port) }, /(http:\/\/127\.0\.0\.1:\d+)/)).ready[1]!,
    request,
    submit: async (items, options = {}) =>
      (await ok('POST', '/v1/batches', { extractor: person, items, ...options })).body as Batch,
    batch,
    async results(id, query = '') {
      const response = await fetch(`${url}/v1/batches/${id}/results?follow=true${query}`, {
        headers: { accept: 'application/x-ndjson' },
      })
      return (await response.text())
        .trimEnd()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Result)
    },
    async until(id, enough, limitMs = 120_000) {
      const deadline = Date.now() + limitMs
      for (;;) {
        const now = await batch(id)
        if (enough(now)) return now
        if (Date.now() > deadline) throw new Error(`Not within ${limitMs} ms: ${JSON.stringify(now)}`)
        await sleep(20)
      }
    },
    simulator: {
      async set(path, body) {
        const response = await fetch(`${simulatorUrl}/_simulator/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
        if (!response.ok) throw new Error(await response.text())
      },
      stats: async () => (await fetch(`${simulatorUrl}/_simulator/stats?content=1`)).json(),
    },
  }
}

export function expectCountsToAddUp({ counts }: Batch): void {
  const { total, ...parts } = counts
  expect(Object.values(parts).reduce((sum, one) => sum + one, 0)).toBe(total)
}
