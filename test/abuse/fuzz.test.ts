import { errorBody } from '@sluice/contract/error'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import pLimit from 'p-limit'
import { expect, inject, test } from 'vitest'
import { person, startSystem } from '../support/system.ts'
import { bearer, calm, expectResponsive, peakMb, secured, watched, whileProbing } from './attack.ts'
import { type FuzzedRequest, requestsOf } from './requests.ts'

const count = Number(process.env['FUZZ_REQUESTS'] ?? 10_000)
/** One seed, so that a failure is one of the change at hand. Other seeds find more: FUZZ_SEED=2, 3, ... */
const seed = Number(process.env['FUZZ_SEED'] ?? 1)
/** Operations that may wait for work that nobody does here: streams, and those with `wait_s`. Their client leaves. */
function waitingOperations(document: any): Set<string> {
  const operations = Object.values<Record<string, any>>(document.paths).flatMap((methods) => Object.values(methods))
  const waits = operations.filter((one) => {
    const answers = Object.values<any>(one.responses).flatMap(({ content = {} }) => Object.keys(content))
    return answers.includes('text/event-stream') || JSON.stringify(one).includes('wait_s')
  })
  return new Set([...waits.map((one) => one.operationId as string), 'extract'])
}
const leaveMs = 1_000

test('10,000 requests made from the OpenAPI document: no 5xx, one error shape, nothing stored for a refusal, nobody delayed', async () => {
  const prefix = `fuzz-${seed}`
  const system = await startSystem({ env: { ...secured, ...watched, SLUICE_PREFIX: prefix } })
  const stored = await system.request('POST', '/v1/extractors', { name: 'person', ...person }, bearer)
  expect(stored.status).toBe(201)
  const document = (await system.request('GET', '/openapi.json', undefined, bearer)).body
  const waits = waitingOperations(document)
  console.error(`FUZZ_SEED=${seed}`)

  const accepted: string[] = []
  const statuses = new Map<number, number>()
  let keyed = 0
  const send = async (request: FuzzedRequest) => {
    const { operationId, method, headers, body } = request
    const path = request.path.replace(
      /~id(\d+)~/,
      (_, at: string) => accepted.at(-1 - (Number(at) % 50)) ?? 'batch_none',
    )
    const signal = AbortSignal.timeout(waits.has(operationId) ? leaveMs : 30_000)
    try {
      const response = await fetch(`${system.url}${path}`, {
        method,
        headers: { ...headers, ...bearer },
        body,
        signal,
        redirect: 'manual',
      })
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
      const text = await response.text()
      const shown = JSON.stringify({ ...request, status: response.status, text }).slice(0, 3_000)
      if (response.status >= 500) throw new Error(`A server error: ${shown}`)
      if (response.status >= 400 && headers['accept'] !== 'text/html' && !errorBody.safeParse(JSON.parse(text)).success)
        throw new Error(`Another error shape: ${shown}`)
      if (/node_modules|\.ts:\d|at \w+ \(/.test(text) && response.status >= 400)
        throw new Error(`A stack trace: ${shown}`)
      if (response.status >= 300) return
      if (method === 'POST' && headers['idempotency-key'] !== undefined) keyed += 1
      // What was created, by whichever operation.
      if (method !== 'POST' || !response.headers.get('content-type')?.includes('application/json')) return
      const { id, batch_id: batchId } = JSON.parse(text) as { id?: unknown; batch_id?: unknown }
      const created = [id, batchId].find((one) => typeof one === 'string' && /^(batch|summary)_/.test(one))
      if (created !== undefined && !path.includes(created as string)) accepted.push(created as string)
    } catch (error) {
      if ((error as Error).name === 'TimeoutError' && waits.has(operationId)) return
      if (operationId === 'streamResults' && (await isCutByDelete(path, error as Error))) return
      throw new Error(`${method} ${path}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** A batch that is deleted while its results are read: the stream is cut, so that a part does not look like the whole. */
  async function isCutByDelete(path: string, { message }: Error): Promise<boolean> {
    const batch = path.replace(/\/results.*$/, '')
    return message === 'terminated' && (await fetch(`${system.url}${batch}`, { headers: bearer })).status === 404
  }

  // All of them first: making them takes seconds, in which connections would end.
  const requests = fc.sample(requestsOf(document), { seed, numRuns: count })
  const before = await calm(system)
  const probe = await whileProbing(system, async () => {
    const limit = pLimit(16)
    await Promise.all(requests.map((request) => limit(send, request)))
  })
  console.error('fuzz', {
    count,
    statuses: Object.fromEntries(statuses),
    accepted: accepted.length,
    before,
    probe,
    peakMb: await peakMb(system.api.child),
  })
  expect(accepted.length).toBeGreaterThan(count / 200)
  expect(statuses.get(400) ?? 0).toBeGreaterThan(count / 10)
  expectResponsive(before, probe)

  // What is in Redis was accepted, or belongs to what was; an extract whose client has left is a batch, too.
  const redis = new Redis(inject('redisUrl'))
  const made = new Set(accepted)
  let leftBehind = 0
  let keys = 0
  for await (const page of redis.scanStream({ match: `${prefix}:*`, count: 1_000 }) as AsyncIterable<string[]>) {
    for (const name of page) {
      const id = /\{((?:batch|summary)_[^}]+)\}/.exec(name)?.[1]
      if (name.includes(':idempotency:')) keys += 1
      if (id === undefined || id.includes('-level') || made.has(id)) continue
      const label = await redis.hget(`${prefix}:{${id}}:meta`, 'total')
      // A batch of one item: an extract.
      if (label !== '1') leftBehind += 1
    }
  }
  await redis.quit()
  expect(leftBehind).toBe(0)
  expect(keys).toBeLessThanOrEqual(keyed)
  expect(system.api.output()).not.toContain('a request failed')
  expect((await fetch(`${system.url}/readyz`)).status).toBe(200)
}, 280_000)
