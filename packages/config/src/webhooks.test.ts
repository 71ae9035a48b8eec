import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { ConfigError } from './config-error.ts'

const here = import.meta.dirname
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(here, 'config-file-'))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

const env = { REDIS_URL: 'redis://127.0.0.1:6379', OPENAI_BASE_URL: 'http://127.0.0.1:8000/v1', SLUICE_MODEL: 'm' }
const secret = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`

async function read(variables: NodeJS.ProcessEnv, file?: string) {
  if (file !== undefined) await writeFile(join(directory, 'sluice.config.ts'), `export default ${file}`)
  return readConfig({ ...env, ...variables }, directory)
}

async function refusal(variables: NodeJS.ProcessEnv, file?: string): Promise<readonly string[]> {
  const error: unknown = await read(variables, file).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof ConfigError)) throw new Error(`expected a ConfigError, got ${String(error)}`)
  return error.lines
}

test('without configuration there is no webhook', async () => {
  expect((await read({})).webhooks).toEqual({ endpoints: [], secrets: [], allow: [] })
})

test('the variables add an endpoint to those of the file', async () => {
  const url = 'https://example.com/hook?token=of-the-receiver'
  const { webhooks, secrets } = await read(
    {
      SLUICE_WEBHOOK_URL: url,
      SLUICE_WEBHOOK_SECRETS: `${secret(1)},${secret(2)}`,
      SLUICE_WEBHOOK_ALLOW: 'hooks.internal',
    },
    `{ webhooks: { endpoints: [{ name: 'a', url: 'http://10.0.0.1/', secrets: ['${secret(3)}'] }], allow: ['10.0.0.0/8'] } }`,
  )
  expect(webhooks).toEqual({
    endpoints: [
      { name: 'a', url: 'http://10.0.0.1/', secrets: [secret(3)] },
      { name: 'default', url, secrets: [secret(1), secret(2)] },
    ],
    secrets: [secret(1), secret(2)],
    allow: ['10.0.0.0/8', 'hooks.internal'],
  })
  expect(secrets).toEqual(expect.arrayContaining([secret(1), secret(2), secret(3), 'of-the-receiver']))
})

test("a batch's own webhook is signed like those of the first endpoint if nothing else is configured", async () => {
  const { webhooks } = await read(
    {},
    `{ webhooks: { endpoints: [{ name: 'a', url: 'https://a.example', secrets: ['${secret(1)}', '${secret(2)}'] }] } }`,
  )
  expect(webhooks.secrets).toEqual([secret(1), secret(2)])
})

test.each([
  [{ SLUICE_WEBHOOK_URL: 'https://a.example' }, undefined, /^SLUICE_WEBHOOK_URL is set without SLUICE_WEBHOOK_SECRETS/],
  [{ SLUICE_WEBHOOK_SECRETS: 'hunter2-hunter2-hunter2' }, undefined, /^SLUICE_WEBHOOK_SECRETS: must be `whsec_`/],
  [
    { SLUICE_WEBHOOK_SECRETS: 'whsec_c2hvcnQ=' },
    undefined,
    /^SLUICE_WEBHOOK_SECRETS: must be `whsec_` and 24 to 64 bytes/,
  ],
  [
    { SLUICE_WEBHOOK_ALLOW: '10.0.0.0/33' },
    undefined,
    /^SLUICE_WEBHOOK_ALLOW: must be a host, an address or a network/,
  ],
  [
    { SLUICE_WEBHOOK_URL: 'https://user:hunter2@a.example', SLUICE_WEBHOOK_SECRETS: secret(1) },
    undefined,
    /^SLUICE_WEBHOOK_URL: The URL has a user name or a password/,
  ],
  [
    {},
    `{ webhooks: { endpoints: [{ name: 'a', url: 'ftp://a.example', secrets: [] }] } }`,
    /webhooks\.endpoints\[0\]\.url: Give a URL such as/,
  ],
  [
    { SLUICE_WEBHOOK_URL: 'https://a.example', SLUICE_WEBHOOK_SECRETS: secret(1) },
    `{ webhooks: { endpoints: [{ name: 'a', url: 'https://a.example/', secrets: ['${secret(1)}'] }] } }`,
    /^webhooks\.endpoints: two endpoints have one URL/,
  ],
  [{}, `{ webhooks: { allow: ['https://a.example'] } }`, /^webhooks\.allow\[0\]: must be a host/],
])('rejects what could not work, with its name and without its value (%#)', async (variables, file, message) => {
  const [first, ...others] = await refusal(variables, file)
  expect(first).toMatch(message)
  expect([first, ...others].join()).not.toContain('hunter2')
})
