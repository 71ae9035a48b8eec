import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { WebhookDelivery, WebhookEvent } from '@sluice/contract/webhook'
import type { Engine } from '@sluice/engine/engine'
import { createAddressPolicy } from '@sluice/engine/webhooks/address-policy'
import { defaultSchedule } from '@sluice/engine/webhooks/deliver'
import { createPostEvent } from '@sluice/engine/webhooks/post-event'
import { Webhook } from 'standardwebhooks'
import { expect, onTestFinished, test } from 'vitest'
import { extracted, inline, options, testSluice, texts } from './harness.ts'

interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly event: WebhookEvent
  readonly at: number
}

/** An endpoint on this machine. `answer` gets the number of the request, from 1. */
async function startReceiver(answer: (res: ServerResponse, count: number, received: Received) => void) {
  const received: Received[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const one = {
        path: req.url ?? '',
        headers: req.headers,
        body,
        event: JSON.parse(body) as WebhookEvent,
        at: Date.now(),
      }
      received.push(one)
      answer(res, received.length, one)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const answering = (status: number) => (res: ServerResponse) => void res.writeHead(status).end()
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`
const quick = { delaysMs: [20, 50, 100], giveUpMs: 60_000 }
const allow = ['127.0.0.1/32']

async function runBatch(engine: Engine, more: object = {}): Promise<string> {
  const { batch } = await engine.batches.create({ extractor: inline, options: { ...options, ...more } }, texts(3))
  return batch.id
}

async function untilDelivery(
  engine: Engine,
  wanted: (delivery: WebhookDelivery) => boolean,
  status?: WebhookDelivery['status'],
): Promise<WebhookDelivery> {
  const found: WebhookDelivery[] = []
  await expect
    .poll(async () => {
      const { data } = await engine.webhooks.deliveries({ limit: 100, ...(status === undefined ? {} : { status }) })
      found.splice(0, found.length, ...data.filter(wanted))
      return found.length
    })
    .toBeGreaterThan(0)
  return found[0]!
}

function verified({ body, headers }: Received, secret: string): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>)
}

test('the end of a batch is announced once, signed with every secret', async () => {
  const { received, url } = await startReceiver(answering(204))
  const sluice = testSluice()
  const secrets = [newSecret(), newSecret()]
  sluice.webhooks = { endpoints: [{ name: 'main', url: `${url}/hook?token=hidden`, secrets }], secrets, allow }
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}))
  const id = await runBatch(engine)
  const delivery = await untilDelivery(engine, ({ event }) => event.data.id === id, 'delivered')
  expect(delivery).toMatchObject({ attempts: 1, last_status: 204, last_error: null, next_attempt_at: null })
  expect(received).toHaveLength(1)
  const [first] = received
  for (const secret of secrets) expect(verified(first!, secret)).toEqual(delivery.event)
  expect(() => verified(first!, newSecret())).toThrow('No matching signature')
  expect(first!.path).toBe('/hook?token=hidden')
  expect(first!.headers['webhook-id']).toBe(delivery.event.id)
  expect(first!.event).toMatchObject({ object: 'event', type: 'batch.completed', data: { id } })
  const { data } = await engine.webhooks.endpoints({ limit: 10 })
  expect(data).toMatchObject([{ url: `${url}/hook`, name: 'main', status: 'enabled', last_error: null }])
  expect(JSON.stringify([data, delivery])).not.toContain('hidden')

  const cancelled = (await engine.batches.create({ extractor: inline, options }, texts(500))).batch.id
  await engine.batches.cancel(cancelled)
  await untilDelivery(
    engine,
    ({ event }) => event.type === 'batch.cancelled' && event.data.id === cancelled,
    'delivered',
  )
})

test('an endpoint gets only the events that it names, and a batch may name one more', async () => {
  const { received, url } = await startReceiver(answering(200))
  const sluice = testSluice()
  const secret = newSecret()
  const mine = newSecret()
  sluice.webhooks = {
    endpoints: [{ name: 'main', url: `${url}/cancelled`, secrets: [secret], events: ['batch.cancelled'] }],
    secrets: [mine],
    allow,
  }
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}))
  const id = await runBatch(engine, { webhook: { url: `${url}/own` } })
  await untilDelivery(engine, ({ event }) => event.data.id === id, 'delivered')
  expect(received.map(({ path }) => path)).toEqual(['/own'])
  expect(verified(received[0]!, mine)).toMatchObject({ data: { id } })
  const { data } = await engine.webhooks.endpoints({ limit: 10 })
  expect(new Set(data.map(({ name }) => name))).toEqual(new Set([null, 'main']))
})

test('the end of a summary is announced, also of one that was cancelled, and those of its levels are not', async () => {
  const { received, url } = await startReceiver(answering(200))
  const sluice = testSluice()
  const secrets = [newSecret()]
  sluice.webhooks = { endpoints: [], secrets, allow }
  const engine = await sluice.engine()
  const input = {
    recipe: { lane: 'default', instructions: '', parameters: {} },
    reduceTokens: 100,
    concurrency: undefined,
  }
  const more = { priority: 10, metadata: {}, idempotency: undefined, webhook: { url } }
  const chunks = [
    { text: 'a', start: 0, end: 1 },
    { text: 'b', start: 1, end: 2 },
  ]
  const stopped = (await engine.summaries.create({ ...input, ...more }, chunks)).summary.id
  await engine.summaries.cancel(stopped)
  const done = (await engine.summaries.create({ ...input, ...more }, chunks)).summary.id
  await sluice.worker(() => extracted({ summary: 'short' }))
  await untilDelivery(engine, ({ event }) => event.data.id === done, 'delivered')
  await untilDelivery(engine, ({ event }) => event.data.id === stopped, 'delivered')
  expect(new Map(received.map(({ event }) => [event.data.id, event.type]))).toEqual(
    new Map([
      [done, 'summary.completed'],
      [stopped, 'summary.cancelled'],
    ]),
  )
  expect(received).toHaveLength(2)
})

test('a batch whose webhook could not be delivered is refused, and nothing is stored', async () => {
  const sluice = testSluice()
  const engine = await sluice.engine()
  const webhook = { url: 'https://example.com/hook' }
  await expect(runBatch(engine, { webhook })).rejects.toMatchObject({
    code: 'webhook_secret_missing',
    status: 400,
    param: 'webhook',
  })
  sluice.webhooks = { endpoints: [], secrets: [newSecret()], allow: [] }
  const withSecret = await sluice.engine()
  const upload = { extractor: inline, options: { ...options, webhook: { url: 'http://169.254.169.254/' } } }
  await expect(withSecret.uploads.open(upload)).rejects.toMatchObject({ code: 'webhook_address', param: 'webhook.url' })
  expect((await engine.batches.list({ limit: 10 })).data).toEqual([])
})

test('a failed delivery is repeated with the same id and body, and a time and signature of its own', async () => {
  const { received, url } = await startReceiver(
    (res, count) =>
      void (count === 2 ? res.writeHead(302, { location: '/moved' }).end() : answering(count < 4 ? 500 : 200)(res)),
  )
  const sluice = testSluice()
  const secrets = [newSecret()]
  sluice.webhooks = { endpoints: [{ name: 'main', url, secrets }], secrets, allow }
  const engine = await sluice.engine()
  // More than a second, so that the timestamps differ.
  await sluice.worker(() => extracted({}), { webhookSchedule: { delaysMs: [20, 20, 1_300], giveUpMs: 60_000 } })
  await runBatch(engine)
  expect(await untilDelivery(engine, () => true, 'delivered')).toMatchObject({ attempts: 4, last_status: 200 })
  expect(received.map(({ path }) => path)).toEqual(['/', '/', '/', '/'])
  expect(new Set(received.map(({ body }) => body)).size).toBe(1)
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  const stamps = received.map(({ headers }) => Number(headers['webhook-timestamp']))
  expect(stamps[3]).toBeGreaterThan(stamps[0]!)
  for (const one of received) expect(verified(one, secrets[0]!)).toEqual(one.event)
})

test('a delivery survives the death of its worker between and during attempts', async () => {
  const hanging = Promise.withResolvers<void>()
  const { received, url } = await startReceiver((res, count) => {
    if (count === 1) answering(503)(res)
    // No answer: the worker dies meanwhile.
    else if (count === 2) hanging.resolve()
    else answering(200)(res)
  })
  const sluice = testSluice()
  const secrets = [newSecret()]
  sluice.webhooks = { endpoints: [{ name: 'main', url, secrets }], secrets, allow }
  const engine = await sluice.engine()
  const webhookSchedule = { delaysMs: [700], giveUpMs: 60_000 }
  const first = await sluice.worker(() => extracted({}), { webhookSchedule })
  await runBatch(engine)
  await untilDelivery(engine, ({ attempts }) => attempts === 1)
  await first.close(0)
  // The queue is lost with everything in it: the record of the delivery is enough.
  await engine.queues.find(({ name }) => name === 'webhooks')!.obliterate({ force: true })
  const second = await sluice.worker(() => extracted({}), { webhookSchedule })
  await hanging.promise
  await second.close(0)
  expect(received).toHaveLength(2)
  await sluice.worker(() => extracted({}), { webhookSchedule })
  expect(await untilDelivery(engine, () => true, 'delivered')).toMatchObject({ attempts: 2 })
  expect(received).toHaveLength(3)
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
})

test('an endpoint that is gone is disabled at once; its events are held until it is enabled', async () => {
  let status = 410
  const { received, url } = await startReceiver((res) => answering(status)(res))
  const sluice = testSluice()
  const secrets = [newSecret()]
  sluice.webhooks = { endpoints: [{ name: 'main', url, secrets }], secrets, allow }
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}), { webhookSchedule: quick })
  const refused = await runBatch(engine)
  const failed = await untilDelivery(engine, ({ event }) => event.data.id === refused, 'failed')
  expect(failed).toMatchObject({ attempts: 1, last_status: 410 })
  const [endpoint] = (await engine.webhooks.endpoints({ limit: 1 })).data
  expect(endpoint).toMatchObject({ status: 'disabled', reason: expect.stringContaining('410 Gone') as string })
  await expect(engine.webhooks.retry(failed.id)).rejects.toMatchObject({ code: 'endpoint_disabled', status: 409 })

  const later = await runBatch(engine)
  await untilDelivery(engine, ({ event }) => event.data.id === later, 'held')
  expect(received).toHaveLength(1)
  status = 200
  expect(await engine.webhooks.enable(endpoint!.id)).toMatchObject({ status: 'enabled', reason: null })
  await untilDelivery(engine, ({ event }) => event.data.id === later, 'delivered')
  await engine.webhooks.retry(failed.id)
  await untilDelivery(engine, ({ event }) => event.data.id === refused, 'delivered')
  expect(received.map(({ event }) => event.data.id)).toEqual([refused, later, refused])
})

test('an endpoint to which nothing was delivered for the whole time is disabled with the last error', async () => {
  const { received, url } = await startReceiver(answering(500))
  const sluice = testSluice()
  const secrets = [newSecret()]
  sluice.webhooks = { endpoints: [{ name: 'main', url, secrets }], secrets, allow }
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}), { webhookSchedule: { delaysMs: [10, 100], giveUpMs: 500 } })
  await runBatch(engine)
  expect(await untilDelivery(engine, () => true, 'failed')).toMatchObject({ last_error: 'HTTP 500' })
  expect(received.length).toBeGreaterThan(2)
  expect(received.at(-1)!.at - received[0]!.at).toBeGreaterThanOrEqual(450)
  expect((await engine.webhooks.endpoints({ limit: 1 })).data).toMatchObject([
    { status: 'disabled', reason: expect.stringContaining('The last attempt: HTTP 500') as string },
  ])
})

test('an endpoint to which nothing was delivered for 72 hours is disabled, and not an hour earlier', async () => {
  const { received, url } = await startReceiver(answering(500))
  const sluice = testSluice()
  const secrets = [newSecret()]
  sluice.webhooks = { endpoints: [{ name: 'main', url, secrets }], secrets, allow }
  const engine = await sluice.engine()
  // No attempt comes by itself in the time of the test.
  await sluice.worker(() => extracted({}), { webhookSchedule: { ...defaultSchedule, delaysMs: [2 * 3_600_000] } })
  await runBatch(engine)
  const { id } = await untilDelivery(engine, ({ attempts }) => attempts === 1)
  const hourMs = 3_600_000
  /** As if its first attempt had been made so long ago, and the next one were due. */
  const attemptAfter = async (hours: number) => {
    const key = sluice.keys.webhooks.delivery(id)
    const stored = JSON.parse((await sluice.redis.get(key))!) as object
    const now = Date.now()
    await sluice.redis.set(key, JSON.stringify({ ...stored, startedAt: now - hours * hourMs, nextAt: now }))
    const queue = engine.queues.find(({ name }) => name === 'webhooks')!
    // The job of the attempt before may not be delayed yet.
    await expect.poll(async () => (await queue.getDelayed()).length).toBe(1)
    await (await queue.getDelayed())[0]!.promote()
  }
  const endpoint = async () => (await engine.webhooks.endpoints({ limit: 1 })).data[0]

  await attemptAfter(71)
  const waiting = await untilDelivery(engine, ({ attempts }) => attempts === 2)
  expect(waiting.status).toBe('pending')
  // The last attempt is made at the end of the time, and not after the usual wait.
  expect(waiting.next_attempt_at! * 1_000).toBeLessThanOrEqual(Date.now() + hourMs)
  expect(await endpoint()).toMatchObject({ status: 'enabled', last_error: 'HTTP 500' })

  await attemptAfter(72)
  expect(await untilDelivery(engine, () => true, 'failed')).toMatchObject({ attempts: 3, last_error: 'HTTP 500' })
  expect(await endpoint()).toMatchObject({
    status: 'disabled',
    reason: 'No event was delivered for 72 hours. The last attempt: HTTP 500',
  })
  expect(received).toHaveLength(3)
})

test('a delivery that is retried while it is pending is still sent once for each attempt', async () => {
  const { received, url } = await startReceiver(answering(500))
  const sluice = testSluice()
  const secrets = [newSecret()]
  sluice.webhooks = { endpoints: [{ name: 'main', url, secrets }], secrets, allow }
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}), { webhookSchedule: { delaysMs: [2_000], giveUpMs: 5_000 } })
  await runBatch(engine)
  const { id } = await untilDelivery(engine, ({ attempts }) => attempts === 1)
  await engine.webhooks.retry(id)
  const { attempts } = await untilDelivery(engine, () => true, 'failed')
  expect(attempts).toBeGreaterThan(3)
  expect(received).toHaveLength(attempts)
})

test('an endpoint that does not answer holds up no other', async () => {
  const slow = await startReceiver(() => {})
  const fast = await startReceiver(answering(200))
  const sluice = testSluice()
  const secrets = [newSecret()]
  const endpoints = [slow, fast].map(({ url }, at) => ({ name: `${at}`, url, secrets }))
  sluice.webhooks = { endpoints, secrets, allow }
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}))
  const ids = await Promise.all(Array.from({ length: 20 }, () => runBatch(engine)))
  await expect.poll(() => new Set(fast.received.map(({ event }) => event.data.id)).size).toBe(ids.length)
  expect(slow.received.length).toBeLessThanOrEqual(4)
})

test('the list of deliveries has pages, newest first, also of one status', async () => {
  const { url } = await startReceiver((res, _, { path }) => answering(path === '/bad' ? 500 : 200)(res))
  const sluice = testSluice()
  const secrets = [newSecret()]
  const endpoints = ['/good', '/bad'].map((path) => ({ name: path.slice(1), url: `${url}${path}`, secrets }))
  sluice.webhooks = { endpoints, secrets, allow }
  const engine = await sluice.engine()
  await sluice.worker(() => extracted({}), { webhookSchedule: { delaysMs: [30_000], giveUpMs: 60_000 } })
  for (let count = 1; count <= 3; count += 1) {
    await runBatch(engine)
    await expect
      .poll(async () => (await engine.webhooks.deliveries({ limit: 100, status: 'delivered' })).data.length)
      .toBe(count)
  }
  const all = (await engine.webhooks.deliveries({ limit: 100 })).data.map(({ id }) => id)
  expect(all).toHaveLength(6)
  expect(all).toEqual(all.toSorted().toReversed())
  for (const status of [undefined, 'pending'] as const) {
    const seen: string[] = []
    for (let after: string | undefined; ;) {
      const page = await engine.webhooks.deliveries({ limit: 2, after, status })
      seen.push(...page.data.map(({ id }) => id))
      if (!page.has_more) break
      after = page.next ?? undefined
    }
    expect(seen).toEqual(status === undefined ? all : seen.toSorted().toReversed())
    expect(new Set(seen).size).toBe(status === undefined ? 6 : 3)
  }
  await expect(engine.webhooks.delivery('whd_none')).rejects.toMatchObject({ code: 'delivery_not_found', status: 404 })
  await expect(engine.webhooks.enable('whe_none')).rejects.toMatchObject({ code: 'endpoint_not_found', status: 404 })
})

test('no request is made to a name that resolves to this machine, unless it is allowed', async () => {
  const { received, url } = await startReceiver(answering(200))
  const event = { url: url.replace('127.0.0.1', 'localhost'), id: 'evt_1', body: '{}', secrets: [newSecret()] }
  const { signal } = new AbortController()
  const post = (networks: string[]) => createPostEvent({ policy: createAddressPolicy(networks) })(event, { signal })
  const refused = await post([])
  expect(refused).toMatchObject({
    type: 'unreachable',
    message: expect.stringContaining('localhost resolves to') as string,
  })
  expect(received).toHaveLength(0)
  expect(await post(['127.0.0.1'])).toEqual({ type: 'answered', status: 200 })
})

test('an answer without end or with large headers is cut off', async () => {
  const endless = await startReceiver((res) => {
    res.writeHead(200)
    const write = () => void (res.writable && res.write(Buffer.alloc(65_536), () => setImmediate(write)))
    write()
  })
  const large = await startReceiver((res) => void res.writeHead(200, { 'x-large': 'x'.repeat(60_000) }).end())
  const { signal } = new AbortController()
  const post = createPostEvent({ policy: createAddressPolicy(allow) })
  const event = { id: 'evt_1', body: '{}', secrets: [newSecret()] }
  expect(await post({ ...event, url: endless.url }, { signal })).toEqual({ type: 'answered', status: 200 })
  expect(await post({ ...event, url: large.url }, { signal })).toMatchObject({ type: 'unreachable' })
})
