import { isIP } from 'node:net'
import { formatPath } from '@sluice/contract/error'
import { type WebhookConfig, webhookConfig } from '@sluice/contract/webhook'
import { ConfigError } from './config-error.ts'
import type { LoadedFile } from './config-file.ts'
import type { Environment } from './environment.ts'

/** Those of the file and of the variables together. */
export function webhooksOf(environment: Environment, { webhooks }: LoadedFile): WebhookConfig {
  const {
    SLUICE_WEBHOOK_URL: url,
    SLUICE_WEBHOOK_SECRETS: secrets = [],
    SLUICE_WEBHOOK_ALLOW: allow = [],
  } = environment
  if (url !== undefined && secrets.length === 0) {
    const fix = 'set at least one, so that the receiver can verify who sent it'
    throw new ConfigError([`SLUICE_WEBHOOK_URL is set without SLUICE_WEBHOOK_SECRETS: ${fix}`])
  }
  // Parsed apart, so that an error names the variable and not a place in the file.
  const own = url === undefined ? [] : [{ name: 'default', url, secrets }]
  const variables = parse({ endpoints: own, secrets, allow }, (path) =>
    path[0] === 'allow' ? 'SLUICE_WEBHOOK_ALLOW' : path[2] === 'url' ? 'SLUICE_WEBHOOK_URL' : 'SLUICE_WEBHOOK_SECRETS',
  )
  const endpoints = [...webhooks.endpoints, ...variables.endpoints]
  const signing = [...webhooks.secrets, ...variables.secrets]
  const all = {
    endpoints,
    secrets: signing.length > 0 ? signing : (endpoints[0]?.secrets ?? []),
    allow: [...webhooks.allow, ...variables.allow],
  }
  return parse(all, (path) => formatPath(['webhooks', ...path]))
}

function parse(input: object, nameOf: (path: readonly PropertyKey[]) => string): WebhookConfig {
  const parsed = webhookConfig.safeParse(input)
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => `${nameOf(path)}: ${message}`)
    throw new ConfigError([...new Set(lines)])
  }
  const wrong = parsed.data.allow.findIndex((entry) => !isHostOrNetwork(entry))
  if (wrong >= 0) {
    const example = 'must be a host, an address or a network, such as hooks.internal or 10.0.0.0/8'
    throw new ConfigError([`${nameOf(['allow', wrong])}: ${example}`])
  }
  return parsed.data
}

function isHostOrNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0) return /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/i.test(text)
  if (address.includes('%') || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

/** Also what a receiver's URL has in its query. */
export function secretsOfWebhooks({ endpoints, secrets }: WebhookConfig): readonly string[] {
  return [
    ...secrets,
    ...endpoints.flatMap((endpoint) => [...endpoint.secrets, ...new URL(endpoint.url).searchParams.values()]),
  ]
}
