import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { makePlace } from '../support/cli-place.ts'
import { runCli } from '../support/cli-process.ts'
import { person, startSystem } from '../support/system.ts'
import { bearer, browser, key, secured, send } from './attack.ts'

const providerKey = 'sk-provider-key-0123456789abcdef'
const secretText = 'Zebulon-Quartz'

/** Answers each call with another fault, and repeats the key and the text of its request wherever it can. */
async function startEcho() {
  let calls = 0
  let only: number | null = null
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk) => (body += String(chunk)))
    req.on('end', () => {
      const echo = `${req.headers.authorization} ${JSON.stringify(body).slice(0, 2_000)}`
      const faults: [number, unknown][] = [
        [500, { error: { message: `crashed with ${echo}` } }],
        [400, { error: { message: `not understood: ${echo}`, code: providerKey } }],
        [429, { error: { message: `slow down, ${req.headers.authorization}`, type: 'requests' } }],
        [
          200,
          {
            choices: [
              {
                message: { content: JSON.stringify({ name: `${req.headers.authorization}`, age: 3 }) },
                finish_reason: 'stop',
              },
            ],
          },
        ],
        [
          200,
          { choices: [{ message: { content: `no JSON but ${req.headers.authorization}` }, finish_reason: 'stop' }] },
        ],
        [200, { choices: [{ message: { refusal: `not for ${providerKey}` }, finish_reason: 'stop' }] }],
        [503, Buffer.from(providerKey).toString('base64')],
        [401, { error: { message: `Incorrect API key provided: ${providerKey}` } }],
      ]
      const [status, answer] = faults[only ?? calls++ % (faults.length - 1)]!
      res.writeHead(status, { 'content-type': 'application/json', 'x-request-id': providerKey, 'retry-after': '0' })
      res.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    rejectKey: () => (only = 7),
  }
}

test('after a day of faults no key is in a log, an answer, a page, Bull Board, a process list or what doctor prints, and no text in a log', async () => {
  const echo = await startEcho()
  const system = await startSystem({
    env: {
      ...secured,
      OPENAI_API_KEY: providerKey,
      OPENAI_BASE_URL: echo.baseUrl,
      SLUICE_MODEL: 'm',
      SLUICE_LOG_LEVEL: 'trace',
      SLUICE_CONFIG: new URL('../support/quick-retry.config.ts', import.meta.url).pathname,
    },
  })
  const quick = { OPENAI_BASE_URL: echo.baseUrl }
  const worker = await system.worker(quick)
  const ask = async (path: string, headers: Record<string, string> = bearer) =>
    (await send(system, 'GET', path, { headers })).text
  const submit = async () => {
    const items = Array.from({ length: 40 }, (_, at) => `${secretText} says ${at}`)
    return (await system.request('POST', '/v1/batches', { extractor: { ...person, reasks: 1 }, items }, bearer)).body
      .id as string
  }
  const status = async (id: string) =>
    (await system.request('GET', `/v1/batches/${id}`, undefined, bearer)).body.status as string
  const first = await submit()
  await expect.poll(() => status(first), { timeout: 90_000 }).toBe('completed')
  echo.rejectKey()
  const second = await submit()
  await expect.poll(() => status(second), { timeout: 60_000 }).toBe('paused')

  // Requests that go wrong, with keys and texts in places where they do not belong.
  await ask(`/v1/batches/${key}`)
  await send(system, 'GET', '/v1/batches', { headers: { authorization: `Bearer ${key}x` } })
  await send(system, 'GET', '/v1/batches', { headers: { cookie: `sluice_session=${key}` } })
  await send(system, 'POST', '/v1/batches', {
    headers: { ...bearer, 'content-type': 'application/json' },
    body: `{"items":["${secretText}"`,
  })
  await send(system, 'POST', '/login', {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `key=${key}`,
  })

  const place = await makePlace()
  const cli = place.of(system, { SLUICE_API_KEY: key })
  const printed = await Promise.all([
    runCli(cli, ['doctor']),
    runCli(cli, ['batches']),
    runCli(cli, ['status', second]),
  ])
  const queues = JSON.parse(await ask('/queues/api/queues')) as { queues: { name: string }[] }
  const board = await Promise.all(
    queues.queues.flatMap(({ name }) =>
      ['latest', 'failed', 'completed', 'active', 'waiting'].map((state) =>
        ask(`/queues/api/queues?activeQueue=${name}&status=${state}&page=1`),
      ),
    ),
  )
  const commands = await Promise.all(
    [system.api, worker].map(async ({ child }) => readFile(`/proc/${child.pid}/cmdline`, 'utf8')),
  )
  const everywhere: Record<string, string> = {
    log: system.api.output() + worker.output(),
    lanes: await ask('/v1/lanes'),
    metrics: await ask('/metrics'),
    batches: (await ask(`/v1/batches/${first}`)) + (await ask(`/v1/batches/${second}`)) + (await ask('/v1/batches')),
    results: await ask(`/v1/batches/${first}/results`),
    pages:
      (await ask('/', { ...bearer, ...browser })) +
      (await ask('/queues')) +
      (await ask('/docs/')) +
      (await ask('/openapi.json')) +
      (await ask('/login', browser)),
    board: board.join('\n'),
    'process list': commands.join('\n'),
    commands: printed.map(({ stdout, stderr }) => stdout + stderr).join('\n'),
  }
  const forms = (secret: string) => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ]
  for (const [where, text] of Object.entries(everywhere)) {
    expect([where, text.length > 0]).toEqual([where, true])
    for (const secret of [...forms(providerKey), ...forms(key)])
      expect([where, secret, text.includes(secret)]).toEqual([where, secret, false])
  }
  // What the provider said is still there to read.
  expect(everywhere['results']).toContain('[redacted]')
  expect((await system.request('GET', `/v1/batches/${second}`, undefined, bearer)).body.pause_reason).toMatch(
    /bad_credentials.*\[redacted\]/,
  )
  // Bull Board and results show what a provider said of an item, and this one repeats its text.
  for (const where of ['log', 'lanes', 'metrics', 'process list']) {
    const at = everywhere[where]?.indexOf(secretText) ?? -1
    const around = at < 0 ? '' : everywhere[where]?.slice(Math.max(0, at - 300), at + 100)
    expect([where, around]).toEqual([where, ''])
  }
})
