import { createClient } from '@sluice/client'
import { parse } from 'csv-parse/sync'
import { beforeAll, expect, test } from 'vitest'
import { makePlace } from '../support/cli-place.ts'
import { runCli } from '../support/cli-process.ts'
import { chat } from '../support/chat-body.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ keepFor: 'file', simulator: { SIMULATOR_LATENCY_MS: '5' } })
  await system.worker()
})

/** The second one fails: the simulator gives one answer only. */
const requests = [
  { id: 'good', body: chat('Hello'), metadata: { page: 1 } },
  { id: 'bad', body: chat('Hello', { n: 2 }), metadata: { page: 2 } },
]
const endpoint = '/v1/chat/completions'

test('raw requests without a file: the client estimates and submits them, and their responses are its values', async () => {
  const sluice = createClient({ baseUrl: system.url })
  expect(await sluice.estimateRequests(requests, { endpoint })).toMatchObject({ items: 2, output_tokens: 60 })
  const batch = await sluice.submitRequests(requests, { endpoint, name: 'raw' })
  const values = await batch.gather({ returnExceptions: true })
  expect(values).toMatchObject([
    { status_code: 200, request_id: expect.any(String) as string },
    { type: 'rejected', response: { status_code: 400 } },
  ])
  expect(JSON.parse((values[0] as { body: string }).body)).toMatchObject({ object: 'chat.completion' })
  expect(await batch.item(0)).toMatchObject({
    text: JSON.stringify(requests[0]!.body),
    result: { response: { status_code: 200 } },
  })

  // What a retry would cost is known, too.
  const preview = await batch.retry({ dry_run: true })
  expect(preview).toMatchObject({ retried: 1, dry_run: true })
  expect(preview.estimate?.input_tokens).toBeGreaterThan(0)
  expect(preview.estimate?.output_tokens).toBeLessThanOrEqual(30)
  await batch.delete()
})

test('results of raw requests are a table with the response, and lines with it in the command line', async () => {
  const sluice = createClient({ baseUrl: system.url })
  const batch = await sluice.submitRequests(requests, { endpoint })
  await batch.wait()
  const csv = await (await sluice.request(`/v1/batches/${batch.id}/results?format=csv`)).text()
  const rows = parse<Record<string, string>>(csv, { columns: true })
  expect(rows).toMatchObject([
    { id: 'good', status: 'succeeded', status_code: '200', error_type: '', 'metadata.page': '1' },
    { id: 'bad', status: 'failed', status_code: '400', error_type: 'rejected', 'metadata.page': '2' },
  ])
  for (const { response } of rows) expect(JSON.parse(response!)).toBeTypeOf('object')

  const place = await makePlace()
  const { stdout } = await runCli(place.of(system), ['results', batch.id])
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, any>)
  expect(lines.map(({ id, response }) => [id, response.status_code])).toEqual([
    ['good', 200],
    ['bad', 400],
  ])
  expect(Object.keys(lines[0]!).slice(0, 4)).toEqual(['index', 'id', 'status', 'response'])
  expect(lines[0]).not.toHaveProperty('data')
  const status = await runCli(place.of(system), ['status', batch.id])
  expect(status.stdout).toContain('Requests   to /v1/chat/completions on lane default')
})

test('a raw request that cannot be sent is refused with its field, for a batch and for an estimate', async () => {
  for (const path of ['/v1/batches', '/v1/batches/estimate']) {
    for (const [more, param] of [
      [{ endpoint: '/v1/images' }, 'endpoint'],
      [{ lane: 'none' }, 'lane'],
      [{ items: [{ body: { stream: true } }] }, 'items[0].body'],
      [{ items: [{ text: 'a' }] }, 'items[0].body'],
    ] as const) {
      const body = { task: 'request', endpoint, items: requests, ...more }
      expect(await system.request('POST', path, body)).toMatchObject({ status: 400, body: { error: { param } } })
    }
  }
})
