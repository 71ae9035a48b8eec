import { setTimeout as sleep } from 'node:timers/promises'
import type { Batch } from '@sluice/contract/batch'
import { expect, test } from 'vitest'
import { people, person, startSystem } from '../support/system.ts'

test('lanes and metrics report the calls, their cost if it is known, and how many workers the work could use', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '300', SIMULATOR_FAULTS: '500=0.2' } })
  await system.worker({ SLUICE_CONCURRENCY: '10' })
  const lane = async () => (await system.request('GET', '/v1/lanes')).body.data[0]
  const { id } = await system.submit(people(300))
  await expect.poll(async () => (await lane()).in_flight).toBe(10)
  const busy = await lane()
  expect(busy).toMatchObject({
    name: 'default',
    model: 'simulator',
    workers: 1,
    concurrency: 10,
    batches: 1,
    cost_usd: null,
  })
  // In its first moments a lane has fewer calls in flight than it could have, and more workers would not help.
  await expect.poll(async () => (await lane()).workers_wanted).toBeGreaterThan(10)

  await system.until(id, ({ status }) => status === 'completed')
  const stats = await system.simulator.stats()
  await expect.poll(async () => (await lane()).calls.extracted).toBe(300)
  const done = await lane()
  expect(done).toMatchObject({ in_flight: 0, items_waiting: 0, workers_wanted: 0, batches: 0 })
  expect(done.calls.unavailable).toBe(stats.faults['500'])
  expect(done.usage.input_tokens).toBe((await system.batch(id)).usage.input_tokens)

  const metrics = await (await fetch(`${system.url}/metrics`)).text()
  const value = (line: string) =>
    Number(
      metrics
        .split('\n')
        .find((one) => one.startsWith(`${line} `))
        ?.split(' ')[1],
    )
  expect(value('sluice_calls_total{lane="default",outcome="extracted"}')).toBe(300)
  expect(value('sluice_call_seconds_bucket{lane="default",le="+Inf"}')).toBe(300 + done.calls.unavailable)
  expect(value('sluice_call_seconds_bucket{lane="default",le="2.5"}')).toBeGreaterThan(290)
  expect(value('sluice_redis_used_bytes')).toBeGreaterThan(100_000)
  // Texts, results and keys are in neither.
  expect(metrics + JSON.stringify(done) + system.api.output()).not.toMatch(/My name is|Ticket 7/)
})

test('pause, resume and cancel act within a second on all workers, also on calls in flight, whatever the size of the batch', async () => {
  const system = await startSystem({ simulator: { SIMULATOR_LATENCY_MS: '200' } })
  await system.worker({ SLUICE_CONCURRENCY: '10' })
  await system.worker({ SLUICE_CONCURRENCY: '10' })
  await system.request('POST', '/v1/extractors', { name: 'person', ...person })
  const lines = people(100_000).map((text) => JSON.stringify(text))
  const uploaded = await fetch(`${system.url}/v1/batches?extractor=person`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  const { id } = (await uploaded.json()) as Batch
  const act = async (what: string) => {
    expect((await system.request('POST', `/v1/batches/${id}/${what}`)).status).toBeLessThan(300)
  }
  const stats = () => system.simulator.stats()
  await expect.poll(async () => (await stats()).in_flight).toBeGreaterThan(10)

  const secondMs = 1_000 * system.slowdown
  await act('pause')
  await sleep(secondMs)
  const { requests } = await stats()
  await sleep(1_500)
  expect(await stats()).toMatchObject({ requests, in_flight: 0, client_left: 0 })

  await act('resume')
  await expect.poll(async () => (await stats()).in_flight, { timeout: secondMs, interval: 20 }).toBeGreaterThan(0)

  await system.simulator.set('latency', { p50_ms: 60_000 })
  // Until only calls that hang are left.
  await sleep(2 * secondMs)
  const { in_flight: hanging } = await stats()
  expect(hanging).toBeGreaterThan(10)
  await act('cancel')
  await expect.poll(async () => (await stats()).client_left, { timeout: secondMs, interval: 20 }).toBe(hanging)
  const cancelled = await system.until(id, ({ status }) => status === 'cancelled', secondMs)
  expect(cancelled.counts.succeeded + cancelled.counts.cancelled).toBe(100_000)
})

test('a lane on which nothing can succeed reports why, and one request resumes all its batches', async () => {
  const system = await startSystem()
  await system.worker()
  await system.simulator.set('faults', { rates: { '401': 1 } })
  const ids = [(await system.submit(people(20))).id, (await system.submit(people(20))).id]
  for (const id of ids) await system.until(id, ({ status }) => status === 'paused')
  const lane = async () => (await system.request('GET', '/v1/lanes')).body.data[0]
  expect((await lane()).pause_reason).toMatch(/^bad_credentials/)
  // A call that is still in flight would be refused, and would pause the lane again.
  await expect.poll(async () => (await lane()).in_flight).toBe(0)
  await system.simulator.set('faults', { rates: {} })
  expect(await system.request('POST', '/v1/lanes/nobody/resume')).toMatchObject({ status: 404 })
  expect(await system.request('POST', '/v1/lanes/default/resume')).toMatchObject({ status: 200, body: { batches: 2 } })
  for (const id of ids) {
    const done = await system.until(id, ({ status }) => status === 'completed')
    expect(done.counts.succeeded).toBe(20)
  }
  expect((await lane()).pause_reason).toBe(null)
})

test('ended batches are removed after the configured time', async () => {
  const system = await startSystem()
  await system.worker({ SLUICE_RETENTION_DAYS: '0.00003' })
  const { id } = await system.submit(people(3))
  await system.until(id, ({ status }) => status === 'completed')
  const status = async () => (await system.request('GET', `/v1/batches/${id}`)).status
  await expect.poll(status).toBe(404)
})

test('SIGTERM ends API and worker with the last line of their log written, also if nobody reads it', async () => {
  const system = await startSystem()
  const worker = await system.worker()
  const read = await system.worker()
  expect(await read.stop('SIGTERM')).toBe(0)
  await expect.poll(() => read.output()).toContain('"msg":"stopped"')
  for (const unread of [worker, system.api]) {
    unread.child.stdout?.destroy()
    unread.child.stderr?.destroy()
    expect(await unread.stop('SIGTERM')).toBe(0)
  }
})
