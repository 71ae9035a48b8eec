import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { chatLines, ended, openAi, startBatch } from '../support/openai.ts'
import { people, startSystem, type System } from '../support/system.ts'

const secret = () => `whsec_${randomBytes(32).toString('base64')}`

interface Received {
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
}

/** A receiver on this machine. `answer` gives the status of each request. */
async function receiver(
  answer: (request: Received, count: number) => number | { readonly location: string } = () => 200,
) {
  const received: Received[] = []
  const server = createServer((req: IncomingMessage, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const request = {
        path: req.url ?? '',
        headers: req.headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
      }
      received.push(request)
      const given = answer(request, received.length)
      if (typeof given === 'number') res.writeHead(given).end()
      else res.writeHead(302, given).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

const allowed = { SLUICE_WEBHOOK_ALLOW: '127.0.0.1' }
const deliveries = async (system: System) => (await system.request('GET', '/v1/webhooks/deliveries')).body.data as any[]

test("the end of a batch is announced in OpenAI's shape, and OpenAI's client verifies it with either secret of a rotation", async () => {
  const hook = await receiver()
  const [old, fresh] = [secret(), secret()]
  const system = await startSystem({
    simulator: { SIMULATOR_LATENCY_MS: '5' },
    env: { ...allowed, SLUICE_WEBHOOK_URL: `${hook.url}/hook`, SLUICE_WEBHOOK_SECRETS: `${old},${fresh}` },
  })
  await system.worker()
  const client = openAi(system)
  const good = await ended(client, (await startBatch(client, chatLines(3))).id)
  const bad = await ended(client, (await startBatch(client, chatLines(1, 'gpt-0'))).id)
  const { id: native } = await system.submit(people(2))
  await expect.poll(() => hook.received.length).toBe(3)
  const events = []
  for (const { body, headers, path } of hook.received) {
    expect(path).toBe('/hook')
    for (const one of [old, fresh]) events.push(await client.webhooks.unwrap(body, headers, one))
    await expect(client.webhooks.unwrap(body, headers, secret())).rejects.toThrow('signature')
    await expect(client.webhooks.unwrap(`${body} `, headers, old)).rejects.toThrow('signature')
  }
  const seen = events.map(({ type, data, object }) => `${object} ${type} ${(data as { id: string }).id}`)
  expect(new Set(seen)).toEqual(
    new Set([`event batch.completed ${good.id}`, `event batch.failed ${bad.id}`, `event batch.completed ${native}`]),
  )
  expect(events[0]?.created_at).toBeGreaterThan(good.created_at - 5)
  await expect
    .poll(async () => (await deliveries(system)).map(({ status }) => status as string))
    .toEqual(['delivered', 'delivered', 'delivered'])
  expect((await deliveries(system)).find(({ subject }) => subject === good.id)).toMatchObject({
    object: 'webhook.delivery',
    endpoint: 'default',
    event: 'batch.completed',
    attempt_count: 1,
    attempts: [{ status: 200, error: null }],
  })
})

test('a delivery is tried again until it is accepted, with the same id, also when the process that sends it is killed', async () => {
  const hook = await receiver((_request, count) => (count < 3 ? 500 : 204))
  const system = await startSystem({ env: { ...allowed, SLUICE_WEBHOOK_SECRETS: secret() } })
  const worker = await system.worker()
  const { id } = await system.submit(people(1), { webhook: { url: `${hook.url}/mine` } })
  await expect.poll(() => hook.received.length).toBe(1)
  await worker.stop('SIGKILL')
  await system.worker()
  await expect.poll(() => hook.received.length, { timeout: 120_000 }).toBe(3)
  expect(new Set(hook.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  await expect
    .poll(async () => (await deliveries(system))[0])
    .toMatchObject({ subject: id, endpoint: 'batch', status: 'delivered' })
})

test('a webhook goes to no address that is not public, and follows no redirect', async () => {
  const inside = await receiver()
  const system = await startSystem({ env: { SLUICE_WEBHOOK_SECRETS: secret(), SLUICE_WEBHOOK_ALLOW: 'localhost' } })
  await system.worker()
  const port = new URL(inside.url).port
  const redirecting = await receiver(() => ({ location: inside.url }))
  for (const url of [inside.url, `http://[::ffff:127.0.0.1]:${port}/`, `http://2130706433:${port}/`])
    await system.submit(people(1), { webhook: { url } })
  await system.submit(people(1), { webhook: { url: redirecting.url.replace('127.0.0.1', 'localhost') } })
  await expect
    .poll(async () => (await deliveries(system)).filter(({ attempt_count: count }) => count > 0).length)
    .toBe(4)
  const errors = (await deliveries(system)).map(({ attempts }) => attempts[0].error as string)
  expect(errors.filter((error) => error.includes('not public'))).toHaveLength(3)
  expect(errors).toContain('The receiver answered 302.')
  expect(inside.received).toEqual([])
})

test('a batch cannot ask for a webhook that nobody could sign', async () => {
  const system = await startSystem()
  const refused = await system.request('POST', '/v1/batches', {
    extractor: { schema: { type: 'object' } },
    items: ['a'],
    webhook: { url: 'https://example.com' },
  })
  expect(refused).toMatchObject({ status: 400, body: { error: { code: 'no_webhook_secrets', param: 'webhook' } } })
  expect(await system.request('POST', '/v1/webhooks/endpoints/none/enable')).toMatchObject({ status: 404 })
})
