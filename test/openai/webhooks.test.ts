import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { expect, inject, onTestFinished, test } from 'vitest'
import { chatLines, ended, openAi, startBatch, untilStatus } from '../support/openai.ts'
import { people, startSystem } from '../support/system.ts'

interface Received {
  readonly body: string
  readonly headers: Record<string, string>
  readonly event: { readonly id: string; readonly type: string; readonly data: { readonly id: string } }
}

async function startReceiver(answer: (res: ServerResponse, count: number) => void) {
  const received: Received[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      received.push({ body, headers: req.headers as Record<string, string>, event: JSON.parse(body) })
      answer(res, received.length)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events` }
}

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`

async function startWithWebhooks(url: string, secrets: readonly string[]) {
  return startSystem({
    simulator: { SIMULATOR_LATENCY_MS: '5' },
    env: {
      SLUICE_WEBHOOK_URL: url,
      SLUICE_WEBHOOK_SECRETS: secrets.join(','),
      SLUICE_WEBHOOK_ALLOW: '127.0.0.0/8',
    },
  })
}

test("OpenAI's client verifies and reads the events of batches over files, with the current and the previous secret", async () => {
  const { received, url } = await startReceiver((res) => void res.writeHead(200).end())
  const secrets = [newSecret(), newSecret()]
  const system = await startWithWebhooks(url, secrets)
  await system.worker()
  const client = openAi(system)
  const good = await startBatch(client, chatLines(5))
  await ended(client, good.id)
  const bad = await startBatch(client, [{ custom_id: 'a' }])
  await ended(client, bad.id)
  const stopped = await startBatch(client, chatLines(2_000))
  await untilStatus(client, stopped.id, ({ status }) => status === 'in_progress')
  await client.batches.cancel(stopped.id)
  await ended(client, stopped.id)
  const late = await startBatch(client, chatLines(2_000))
  await untilStatus(client, late.id, ({ status }) => status === 'in_progress')
  await endWindow(late.id)
  await ended(client, late.id)
  const native = await system.submit(people(3))

  const wanted = [
    ['batch.completed', good.id],
    ['batch.failed', bad.id],
    ['batch.cancelled', stopped.id],
    ['batch.expired', late.id],
    ['batch.completed', native.id],
  ]
  await expect.poll(() => received.length).toBeGreaterThanOrEqual(wanted.length)
  const events = received.map(({ event: { type, data } }) => [type, data.id])
  expect(events.toSorted(byText)).toEqual(wanted.toSorted(byText))
  for (const { body, headers, event } of received) {
    for (const secret of secrets) expect(await client.webhooks.unwrap(body, headers, secret)).toMatchObject(event)
    await expect(client.webhooks.unwrap(body, headers, newSecret())).rejects.toThrow(/signature/i)
  }
})

/** As if 24 hours had passed. */
async function endWindow(id: string): Promise<void> {
  const redis = new Redis(inject('redisUrl'))
  for await (const found of redis.scanStream({ match: `*{${id}}:file-batch`, count: 1_000 }))
    for (const key of found as string[]) await redis.hset(key, 'expiresAt', Date.now() - 1)
  redis.disconnect()
}

const byText = (a: readonly string[], b: readonly string[]) => a.join(' ').localeCompare(b.join(' '))

test('an event whose worker is killed during an attempt is delivered by the next one, under the same id', async () => {
  const attempted = Promise.withResolvers<void>()
  const { received, url } = await startReceiver((res, count) => {
    // No answer to the first: the worker is killed meanwhile.
    if (count === 1) attempted.resolve()
    else res.writeHead(200).end()
  })
  const secret = newSecret()
  const system = await startWithWebhooks(url, [secret])
  const worker = await system.worker()
  const { id } = await system.submit(people(3))
  await attempted.promise
  await worker.stop('SIGKILL')
  await system.worker()
  const delivered = async () => {
    const { data } = (await system.request('GET', '/v1/webhooks/deliveries?status=delivered')).body
    return data
  }
  await expect.poll(delivered, { timeout: 60_000 }).toMatchObject([{ event: { data: { id } }, last_status: 200 }])
  expect(received).toHaveLength(2)
  expect(received[1]!.headers['webhook-id']).toBe(received[0]!.headers['webhook-id'])
  expect(received[1]!.body).toBe(received[0]!.body)
  expect(worker.output() + system.api.output()).not.toContain(secret)
})

test('a webhook that nobody could sign, or with an address that is not public, is refused with the field', async () => {
  const unsigned = await startSystem()
  const batch = { extractor: { schema: { type: 'object' } }, items: ['a'], webhook: { url: 'https://example.com' } }
  expect(await unsigned.request('POST', '/v1/batches', batch)).toMatchObject({
    status: 400,
    body: { error: { code: 'webhook_secret_missing', param: 'webhook' } },
  })
  const system = await startSystem({ env: { SLUICE_WEBHOOK_SECRETS: newSecret() } })
  for (const url of ['http://127.1:80/', 'http://[::ffff:a9fe:a9fe]/', 'http://2130706433/']) {
    for (const [path, body] of [
      ['/v1/batches', { ...batch, webhook: { url } }],
      ['/v1/summaries', { text: 'A text.', webhook: { url } }],
    ] as const) {
      expect(await system.request('POST', path, body)).toMatchObject({
        status: 400,
        body: { error: { code: 'webhook_address', param: 'webhook.url' } },
      })
    }
  }
  const withPassword = { ...batch, webhook: { url: 'https://user:secret@example.com/' } }
  expect(await system.request('POST', '/v1/batches', withPassword)).toMatchObject({
    status: 400,
    body: { error: { param: 'webhook.url', message: expect.stringContaining('leave them out') as string } },
  })
  expect((await system.request('GET', '/v1/batches')).body.data).toEqual([])
})
